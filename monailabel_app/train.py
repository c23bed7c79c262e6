"""MONAI Label's train task: learn from the corrections in the datastore."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from monailabel.interfaces.datastore import Datastore
from monailabel.interfaces.tasks.train import TrainTask

from monailabel_app.settings import ServerSettings
from monailabel_app.training import Training
from prsmed.errors import PRSMedError
from prsmed.learning.adapt import AdaptConfig
from prsmed.learning.correction import Correction
from prsmed.learning.job import Job
from prsmed.learning.registry import Registry

MOST_STEPS = 1_000_000
# What stock clients show as options; "" is a text cell, left to the defaults.
OPTIONS: dict[str, Any] = {"steps": AdaptConfig.steps, "seconds": "", "lr": "", "seed": AdaptConfig.seed}


class CorrectionsTask(TrainTask):  # type: ignore[misc]
    """Fine-tunes the live version on corrections; the gate decides whether it answers.

    Args:
        registry: The versions.
        settings: Gate, replay, device.
    """

    def __init__(self, registry: Registry, settings: ServerSettings) -> None:
        super().__init__("Learn from the submitted labels; the new model answers only if it is not worse.")
        self.registry, self.settings = registry, settings
        self.training = Training(registry.folder / "training")

    def config(self) -> dict[str, Any]:
        """Options, for stock clients."""
        return dict(OPTIONS)

    def info(self) -> dict[str, Any]:
        """Description, options and stats."""
        return {**super().info(), "stats": self.training.stats.to_json()}

    def stats(self) -> dict[str, Any]:
        """How it is going; with the names that the stock Slicer module shows."""
        stats = self.training.stats
        measured = [point["dice"] for point in stats.curve if point["dice"] is not None]
        return {
            **stats.to_json(),
            "epoch": stats.step,
            "total_epochs": max(1, stats.steps),
            "best_metric": max(measured, default=0),
        }

    def start(self, params: Mapping[str, Any], datastore: Datastore, who: str) -> None:
        """Begin; returns at once.

        Args:
            params: ``steps``, ``seconds``, ``lr``, ``seed``; what is missing or blank is left to the defaults.
            datastore: Whose corrections.
            who: Who asks for it.

        Raises:
            PRSMedError: ``bad_params``; ``training_running``.
        """
        config = read_params(params)

        def plan(corrections: list[Correction], quarantined: list[dict[str, str]]) -> Job:
            settings = self.settings
            on_gpu = torch.cuda.is_available() and settings.train_gpu != "off"
            return Job(
                corrections=tuple(corrections),
                versions=self.registry.folder.resolve(),
                base=Path(self.registry.base).resolve(),
                config=config,
                who=who,
                replay=settings.replay and settings.replay.resolve(),
                margin=settings.gate_margin,
                keep=settings.keep_versions,
                device="cuda" if on_gpu else "cpu",
                waits=settings.train_gpu == "wait",
                quarantined=tuple(quarantined),
            )

        self.training.start(datastore, plan)

    def __call__(self, request: dict[str, Any], datastore: Datastore) -> dict[str, Any]:
        """Train and wait for it, as MONAI Label's own web application wants it."""
        self.start(request, datastore, "")
        return self.training.wait().to_json()


def read_params(params: Mapping[str, Any]) -> AdaptConfig:
    """How to train, from what a client sent; numbers may be text.

    Raises:
        PRSMedError: ``bad_params``.
    """
    given = {name: _number(name, params.get(name)) for name in OPTIONS if params.get(name) not in (None, "")}
    for name, low, high in (("steps", 1, MOST_STEPS), ("seed", 0, 2**31)):
        value = given.get(name, low)
        if value != int(value) or not low <= value <= high:
            raise PRSMedError("bad_params", f"{name} is {value:g}; give a whole number from {low} to {high}")
    if given.get("seconds", 1) <= 0:
        raise PRSMedError("bad_params", f"seconds is {given['seconds']:g}; give a number greater than 0")
    if not 0 < given.get("lr", 1) <= 1:
        raise PRSMedError("bad_params", f"lr is {given['lr']:g}; give a number greater than 0 and at most 1")
    whole: dict[str, Any] = {name: int(given[name]) for name in ("steps", "seed") if name in given}
    return AdaptConfig(**{**given, **whole})


def _number(name: str, value: Any) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise PRSMedError("bad_params", f"{name} is {str(value)[:40]!r}; give a number")
    return number
