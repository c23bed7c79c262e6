"""A training run on disk, so that a killed one goes on where it was."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from prsmed.errors import PRSMedError
from prsmed.model.checkpoint import own_state

FOLDER = "state"


def save_state(run: Path, step: int, model: nn.Module, optimizer: torch.optim.Optimizer, facts: dict[str, Any]) -> None:
    """Write weights, optimiser moments and ``facts`` after ``step`` steps; a kill leaves a whole state."""
    _settle(run)
    fresh, current, old = (run / f"{FOLDER}{ending}" for ending in (".new", "", ".old"))
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    save_file({name: tensor.contiguous() for name, tensor in own_state(model).items()}, fresh / "model.safetensors")
    moments = optimizer.state_dict()["state"]
    tensors = {f"{index}.{name}": value for index, state in moments.items() for name, value in state.items()}
    save_file(tensors, fresh / "optimizer.safetensors")
    # Written last: a folder that has it is whole.
    (fresh / "state.json").write_text(json.dumps({"step": step, **facts}))
    if current.exists():
        shutil.rmtree(old, ignore_errors=True)
        current.rename(old)
    fresh.rename(current)
    shutil.rmtree(old, ignore_errors=True)


def has_state(run: Path) -> bool:
    """Whether ``run`` holds a saved state."""
    _settle(run)
    return (run / FOLDER).exists()


def load_state(run: Path, model: nn.Module, optimizer: torch.optim.Optimizer, facts: dict[str, Any]) -> int:
    """Go back to the last saved state of ``run``; returns its step, 0 when there is none.

    Raises:
        PRSMedError: ``other_run`` when the state was made with other settings than ``facts``; ``bad_state`` when its
            files are damaged.
    """
    folder = run / FOLDER
    if not has_state(run):
        return 0
    saved = json.loads((folder / "state.json").read_text())
    step = int(saved.pop("step"))
    if saved != json.loads(json.dumps(facts)):
        changed = sorted(key for key in saved.keys() | facts.keys() if saved.get(key) != facts.get(key))
        raise PRSMedError(
            "other_run",
            f"{run.name} holds a run with other settings ({', '.join(changed)}); "
            "resume it with its own, or give another --out",
        )
    try:
        weights, moments = load_file(folder / "model.safetensors"), load_file(folder / "optimizer.safetensors")
    except (OSError, SafetensorError) as error:
        raise PRSMedError(
            "bad_state", f"the saved state of {run.name} is damaged ({error}); start anew in another --out"
        ) from error
    model.load_state_dict(weights, strict=False)
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in moments.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    return step


def _settle(run: Path) -> None:
    """Put the newest whole state in its place after a kill in the middle of saving."""
    for ending in (".new", ".old"):
        left = run / f"{FOLDER}{ending}"
        if not (run / FOLDER).exists() and (left / "state.json").exists():
            left.rename(run / FOLDER)
