"""A training run on disk, so that a killed one goes on where it was."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from prsmed.errors import PRSMedError
from prsmed.files import sync, write_whole
from prsmed.model.checkpoint import own_state
from prsmed.training.average import Average
from prsmed.training.shards import fill, spread, whole

FOLDER, BEST = "state", "best"
Tensors = dict[str, dict[str, Tensor]]
"""By file and name."""


@dataclass(frozen=True)
class Best:
    """The best check so far."""

    step: int
    dice: float


@dataclass(frozen=True)
class State:
    """What a run was when it was saved."""

    step: int
    best: Best | None
    tensors: Tensors


def collect(model: nn.Module, optimizer: torch.optim.Optimizer, average: Average | None, is_best: bool) -> Tensors:
    """What is to be saved; all processes call this together. ``is_best``: the weights to be kept are these."""
    moments = optimizer.state_dict()["state"]
    tensors = {
        "model": own_state(model),
        "optimizer": {f"{index}.{name}": value for index, state in moments.items() for name, value in state.items()},
    }
    kept = tensors["model"]
    if average is not None:
        kept = tensors["average"] = average.tensors
    if is_best:
        tensors[BEST] = kept
    return {file: {name: whole(tensor).contiguous() for name, tensor in own.items()} for file, own in tensors.items()}


def kept_weights(model: nn.Module) -> dict[str, Tensor]:
    """What a checkpoint holds of a model, put together; all processes call this together."""
    return {name: whole(tensor) for name, tensor in own_state(model).items()}


def save_state(run: Path, step: int, tensors: Tensors, facts: dict[str, Any], best: Best | None = None) -> None:
    """Write a state after ``step`` steps; a kill leaves a whole one. Best weights of before are kept with it."""
    _settle(run)
    fresh, current, old = (run / f"{FOLDER}{ending}" for ending in (".new", "", ".old"))
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for file, own in tensors.items():
        save_file(own, fresh / f"{file}.safetensors")
    if best is not None and BEST not in tensors:
        shutil.copyfile(current / f"{BEST}.safetensors", fresh / f"{BEST}.safetensors")
    sync(fresh)
    # Written last: a folder that has it is whole.
    told = None if best is None else vars(best)
    write_whole(json.dumps({"step": step, "best": told, **facts}).encode(), fresh / "state.json")
    sync(fresh)
    if current.exists():
        shutil.rmtree(old, ignore_errors=True)
        current.rename(old)
    fresh.rename(current)
    shutil.rmtree(old, ignore_errors=True)


def has_state(run: Path) -> bool:
    """Whether ``run`` holds a saved state."""
    _settle(run)
    return (run / FOLDER).exists()


def read_state(run: Path, facts: dict[str, Any]) -> State | None:
    """The last saved state of ``run``; ``None`` when there is none.

    Raises:
        PRSMedError: ``other_run`` when the state was made with other settings than ``facts``; ``bad_state`` when its
            files are damaged.
    """
    folder = run / FOLDER
    if not has_state(run):
        return None
    saved = json.loads((folder / "state.json").read_text())
    step, best = int(saved.pop("step")), saved.pop("best", None)
    if saved != json.loads(json.dumps(facts)):
        changed = sorted(key for key in saved.keys() | facts.keys() if saved.get(key) != facts.get(key))
        raise PRSMedError(
            "other_run",
            f"{run.name} holds a run with other settings ({', '.join(changed)}); "
            "resume it with its own, or give another --out",
        )
    try:
        tensors = {path.stem: load_file(path) for path in folder.glob("*.safetensors")}
        return State(step, None if best is None else Best(**best), {"model": tensors.pop("model"), **tensors})
    except (OSError, SafetensorError, KeyError, TypeError) as error:
        raise PRSMedError(
            "bad_state", f"the saved state of {run.name} is damaged ({error}); start anew in another --out"
        ) from error


def restore(state: State, model: nn.Module, optimizer: torch.optim.Optimizer, average: Average | None) -> None:
    """Bring weights, moments and average back; all processes call this together."""
    fill(own_state(model), state.tensors["model"])
    if average is not None:
        fill(average.tensors, state.tensors["average"])
    parameters = [weight for group in optimizer.param_groups for weight in group["params"]]
    moments: dict[int, dict[str, Tensor]] = {}
    for key, value in state.tensors["optimizer"].items():
        index, name = key.split(".", 1)
        moments.setdefault(int(index), {})[name] = spread(value, parameters[int(index)])
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})


def _settle(run: Path) -> None:
    """Put the newest whole state in its place after a kill in the middle of saving."""
    for ending in (".new", ".old"):
        left = run / f"{FOLDER}{ending}"
        if not (run / FOLDER).exists() and (left / "state.json").exists():
            left.rename(run / FOLDER)
