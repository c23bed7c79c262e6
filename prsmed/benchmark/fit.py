"""Does a preset fit on this machine? One training step and one question with random weights of its full shape."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from prsmed.benchmark.random_weights import random_model
from prsmed.errors import PRSMedError
from prsmed.model.presets import find_preset
from prsmed.model.prsmed import PRSMed
from prsmed.training import TrainConfig
from prsmed.training.batch import Batch
from prsmed.training.learner import PRSMedLearner

QUESTION, ANSWER = "Where is the tumour in this image?", "The tumour is at the top left, near the center."
_TOKENS = 16


@dataclass(frozen=True)
class Step:
    """Seconds of one step, and the peak of the GPU's memory by its end (``None`` on a CPU)."""

    name: str
    seconds: float
    peak_bytes: int | None


def measure_fit(
    preset: str, device: str | None, batch_size: int, *, train: bool, progress: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Build a preset with random weights, ask it once, and train it for one step.

    Args:
        preset: One with an imported language model of the LLaVA family; its weights are not needed.
        device: Torch device; the first CUDA device or the CPU when ``None``.
        batch_size: Images of the training step.
        train: Whether to train at all: that takes far more memory.
        progress: Called with what is done next.

    Raises:
        PRSMedError: ``unknown_preset``; ``not_measurable`` for other presets; ``out_of_memory``.
    """
    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    config = find_preset(preset)
    steps: list[Step] = []

    @contextmanager
    def timed(name: str) -> Iterator[None]:
        progress(name)
        start = time.perf_counter()
        yield
        if place.type == "cuda":
            torch.cuda.synchronize(place)
        peak = torch.cuda.max_memory_allocated(place) if place.type == "cuda" else None
        steps.append(Step(name, time.perf_counter() - start, peak))

    try:
        with timed("build"):
            model = random_model(config, place)
        _ask(model, timed)
        if train:
            _train(model, batch_size, timed)
    except torch.cuda.OutOfMemoryError as error:
        raise PRSMedError("out_of_memory", f"{preset} does not fit: {str(error).splitlines()[0]}") from error
    return {
        "preset": preset,
        "device": torch.cuda.get_device_name(place) if place.type == "cuda" else "cpu",
        "batch_size": batch_size,
        "steps": [vars(step) for step in steps],
    }


def show_fit(result: dict[str, Any], console: Console) -> None:
    """Print what was measured."""
    table = Table("step", "seconds", "peak memory", title=f"{result['preset']}, random weights, {result['device']}")
    for step in result["steps"]:
        peak = "not measured on a CPU" if step["peak_bytes"] is None else f"{step['peak_bytes'] / 2**30:.1f} GiB"
        table.add_row(step["name"], f"{step['seconds']:.3f}", peak)
    console.print(table)


@torch.no_grad()
def _ask(model: PRSMed, timed: Callable[[str], Any]) -> None:
    side = model.config.image_size
    pixels = torch.rand(1, 3, side, side, device=model.device)
    with timed("ask: look at the image"):
        seen = model.see(pixels)
    with timed("ask: read the question"):
        prompt = model.read(seen, model.language.encode_questions([QUESTION]).to(model.device))
    with timed("ask: draw the mask"):
        segmented = model.segment(seen.features, prompt, side)
    with timed(f"ask: say {_TOKENS} tokens"):
        speech = model.speak(seen.features, prompt, model.mask_of(segmented))
        for _ in zip(range(_TOKENS), speech, strict=False):
            pass


def _train(model: PRSMed, batch_size: int, timed: Callable[[str], Any]) -> None:
    side, device = model.config.image_size, model.device
    learner = PRSMedLearner(model.train(), TrainConfig.recipe(model.config, batch_size=batch_size))
    optimizer = torch.optim.AdamW([weight for weight in model.parameters() if weight.requires_grad], lr=1e-4)
    batch = Batch(
        pixels=torch.rand(batch_size, 3, side, side, device=device),
        mask=(torch.rand(batch_size, 1, side, side, device=device) > 0.5).float(),
        questions=(QUESTION,) * batch_size,
        answers=(ANSWER,) * batch_size,
        image_of=torch.arange(batch_size, device=device),
        is_present=torch.ones(batch_size, dtype=torch.bool, device=device),
        is_replay=torch.zeros(batch_size, dtype=torch.bool, device=device),
        coins=torch.zeros(batch_size, device=device),
    )
    batch = learner.prepare(batch).to(device)
    with timed(f"train: one step of {batch_size} images"):
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            losses = learner.losses(batch)
        torch.autograd.backward(torch.stack(list(losses.values())).sum())
        optimizer.step()
