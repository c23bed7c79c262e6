"""`prsmed benchmark ask`: how long the way of a question takes, as ratios of medians within one run."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from prsmed.imaging import Volume, extract, make_phantom, native_plane, place, slice_count
from prsmed.imaging.plane import ImageSlice
from prsmed.inference import Engine, MaskEvent
from prsmed.inference.whole_volume import main_regions

FIRST, SECOND = "Where is the lesion?", "Is there a tumour in this slice?"


def benchmark(
    model: str, device: str | None, repeats: int, progress: Callable[[int, int], None] | None
) -> dict[str, Any]:
    """Time questions on a phantom.

    Returns:
        Medians in milliseconds, their ratios, and what was measured on. ``same_masks`` tells whether the whole-volume
        way and the slice-by-slice way draw the same mask, cleaned up in the same way.
    """
    engine = Engine.load(model, device=device)
    engine.warm_up()
    volume, _ = make_phantom("ct", np.random.default_rng(0))
    plane = native_plane(volume)
    slices = [extract(volume, plane, index) for index in range(slice_count(volume, plane))]
    runs: dict[str, list[float]] = {name: [] for name in ("first", "second", "answer", "slice_by_slice", "volume")}
    same = True
    for done in range(repeats):
        image_slice = slices[done % len(slices)]
        engine.seen.clear()
        runs["first"].append(_time_to_mask(engine, image_slice, FIRST)[0])
        to_mask, whole = _time_to_mask(engine, image_slice, SECOND)
        runs["second"].append(to_mask)
        runs["answer"].append(whole)
        start = time.perf_counter()
        engine.seen.clear()
        one_by_one = _slice_by_slice(engine, volume, slices)
        runs["slice_by_slice"].append(_milliseconds(start))
        start = time.perf_counter()
        engine.seen.clear()
        together = engine.ask_volume(volume, FIRST, plane=plane).mask
        runs["volume"].append(_milliseconds(start))
        same &= bool(np.array_equal(main_regions(one_by_one), together))
        if progress is not None:
            progress(done + 1, repeats)
    medians = {name: round(statistics.median(values), 1) for name, values in runs.items()}
    return {
        "median_ms": medians,
        "second_to_first": round(medians["second"] / medians["first"], 3),
        "mask_before_answer": round(medians["second"] / medians["answer"], 3),
        "volume_speedup": round(medians["slice_by_slice"] / medians["volume"], 2),
        "same_masks": same,
        "slices": len(slices),
        "repeats": repeats,
        "model": engine.version.version,
        "device": str(engine.device),
        "threads": torch.get_num_threads(),
        "machine": platform.processor() or platform.machine(),
    }


def show(result: dict[str, Any], console: Console) -> None:
    """Print a result of :func:`benchmark`."""
    medians = result["median_ms"]
    table = Table("step", "median", "ratio")
    table.add_row("first question on a slice, to its mask", f"{medians['first']} ms", "1")
    second = f"{result['second_to_first']} of the first"
    table.add_row("second question on it, to its mask", f"{medians['second']} ms", second)
    table.add_row("second question, to its whole answer", f"{medians['answer']} ms", "")
    table.add_row(f"{result['slices']} slices asked one by one, with text", f"{medians['slice_by_slice']} ms", "1")
    volume = f"{result['volume_speedup']} times as fast"
    table.add_row("the same as one volume", f"{medians['volume']} ms", volume)
    console.print(table)
    console.print(
        f"Same masks: {result['same_masks']}. {result['model']} on {result['device']}, {result['threads']} threads, "
        f"{result['machine']}, {result['repeats']} runs each."
    )


def _time_to_mask(engine: Engine, image_slice: ImageSlice, question: str) -> tuple[float, float]:
    """Milliseconds until the mask, and until the whole answer."""
    start, to_mask = time.perf_counter(), 0.0
    for event in engine.stream(image_slice, question):
        if isinstance(event, MaskEvent):
            to_mask = _milliseconds(start)
    return to_mask, _milliseconds(start)


def _slice_by_slice(engine: Engine, volume: Volume, slices: list[ImageSlice]) -> NDArray[np.uint8]:
    mask = np.zeros(volume.shape, np.uint8)
    for image_slice in slices:
        place(engine.ask(image_slice, FIRST).mask, image_slice, mask)
    return mask


def _milliseconds(start: float) -> float:
    return 1000 * (time.perf_counter() - start)
