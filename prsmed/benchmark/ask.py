"""`prsmed benchmark ask`: how long the way of a question takes, beside the sequence of PRS-Med's released code.

A round asks everything once, in an order that turns from round to round; a ratio is taken within each round, so that
what slows the machine for a minute slows both of its sides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import torch

from prsmed.benchmark.random_weights import random_engine
from prsmed.benchmark.timing import machine, median_of, ratio_of
from prsmed.benchmark.ways import Ways
from prsmed.inference import Engine
from prsmed.model.presets import find_preset

RANDOM_TOKENS = 16
"""Length of every answer of random weights, which know no end: a sentence with a place has as many."""
RATIOS = {
    "first": ("first_mask", "published_first"),
    "repeated": ("repeated_mask", "published_repeated"),
    "first_image_kept": ("first_mask", "published_image_kept"),
    "repeated_to_first": ("repeated_mask", "first_mask"),
    "mask_to_answer": ("repeated_mask", "repeated_answer"),
    "volume_speedup": ("published_volume", "volume"),
    "volume_speedup_own_slices": ("own_slices", "volume"),
}
"""Each the first over the second of two ways."""


def measure_asking(
    model: str,
    shape: str | None,
    device: str | None,
    repeats: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Time questions about a drawn volume.

    Args:
        model: Shipped weights by name, or a checkpoint folder.
        shape: A preset whose full shape is asked with random weights, instead of ``model``.
        device: Torch device; the first CUDA device or the CPU when ``None``.
        repeats: Rounds.
        progress: Told rounds done and rounds in all.

    Returns:
        ``milliseconds`` of every way, ``stages`` of a question, ``ratios`` (:data:`RATIOS`), each with its interval;
        ``peak_bytes`` of single runs; whether the published sequence and the slices asked one by one draw the volume's
        mask; and what was measured on.

    Raises:
        PRSMedError: As :meth:`Engine.load` for a model; ``unknown_preset`` or ``not_measurable`` for a shape.
    """
    where = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if shape is None:
        ways = Ways(Engine.load(model, device=str(where)), None)
    else:
        config = replace(find_preset(shape), max_answer_tokens=RANDOM_TOKENS)
        ways = Ways(random_engine(config, where), RANDOM_TOKENS)
    for done in range(repeats):
        ways.run_round(done)
        progress(done + 1, repeats)
    times = ways.times
    return {
        "milliseconds": {name: asdict(median_of(values)) for name, values in times.items()},
        "stages": {
            name: {stage: asdict(median_of(values)) for stage, values in stages.items()}
            for name, stages in ways.stages.items()
        },
        "ratios": {
            name: asdict(ratio_of(times[above], times[below]))
            for name, (above, below) in RATIOS.items()
            if above in times and below in times
        },
        "peak_bytes": ways.memory(),
        "same_masks": ways.same_masks,
        "answer_tokens": ways.tokens,
        "slices": len(ways.slices),
        "repeats": repeats,
        "model": ways.engine.version.version,
        **machine(where),
    }
