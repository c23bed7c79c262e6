"""Training from corrections: MONAI Label's routes for it, and how it is going.

The stock ones, whose form these keep, would start a process that loads the whole application.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from monailabel.interfaces.utils.app import app_instance

from monailabel_app.guard.objects import check_object
from monailabel_app.train import CorrectionsTask
from monailabel_app.web.people import Admin, User
from prsmed.errors import PRSMedError
from prsmed.learning.progress import RUNNING

router = APIRouter(prefix="/train", tags=["Train"])
_STATUS = {"done": "DONE", "failed": "ERROR", "stopped": "STOPPED"}


@router.get("/", summary="The running or the last training")
def status(person: User, all: bool = False, check_if_running: bool = False) -> Any:
    """A task as stock clients know it; 404 when there is none, or with ``check_if_running`` none that runs."""
    task = _task()
    if task.training.stats.status == "idle" or (check_if_running and not task.training.is_running):
        raise PRSMedError("not_found", "no training is running" if check_if_running else "there was no training yet")
    return [_told(task)] if all else _told(task)


@router.get("/{model}/stats", summary="How a training is going, and what the gate said")
def stats(model: str, person: User) -> dict[str, Any]:
    """Status, step, curve, what was quarantined and why, the candidate's name, the outcome."""
    return dict(_task(model).training.stats.to_json())


@router.post("/", include_in_schema=False)
def start_all(person: Admin, params: dict[str, Any] | None = None) -> dict[str, Any]:
    """Start the one training there is."""
    name = next(iter(app_instance()._trainers), "")
    params = params or {}
    nested = params.get(name)
    return {name: {"result": start(name, person, nested if isinstance(nested, dict) else params), "detail": None}}


@router.post("/{model}", summary="Learn from the submitted labels")
def start(model: str, person: Admin, params: dict[str, Any] | None = None) -> dict[str, Any]:
    """Start a training; 409 while one runs."""
    task = _task(model)
    task.start(check_object(params or {}, "params"), app_instance().datastore(), person.name)
    return _told(task)


@router.delete("/", summary="Stop the training")
def stop(person: Admin) -> dict[str, Any] | None:
    """End a running training within seconds; nothing when there is none."""
    task = _task()
    return _told(task) if task.training.stop() else None


def _task(model: str | None = None) -> CorrectionsTask:
    trainers = app_instance()._trainers
    name = next(iter(trainers), None) if model is None else model
    if name not in trainers:
        known = ", ".join(trainers) or "none"
        raise PRSMedError("unknown_trainer", f"there is no trainer {str(name)[:60]!r}; there is {known}")
    found: CorrectionsTask = trainers[name]
    return found


def _told(task: CorrectionsTask) -> dict[str, Any]:
    stats, training = task.training.stats, task.training
    details = [f"{stats.status}: step {stats.step} of {stats.steps}"] if stats.status in RUNNING else []
    details += [stats.outcome["reason"]] if stats.outcome else []
    details += [stats.error] if stats.error else []
    return {
        "id": "training",
        "status": _STATUS.get(stats.status, "RUNNING"),
        "start_ts": training.began,
        "end_ts": training.ended,
        "details": details,
    }
