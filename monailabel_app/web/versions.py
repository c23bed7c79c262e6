"""Routes of the model's versions: what there is, what differs, which one answers."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from fastapi import Path as PathParameter
from monailabel.interfaces.utils.app import app_instance
from pydantic import BaseModel, ConfigDict, Field

from monailabel_app.guard.names import VERSION
from monailabel_app.web.people import Admin, User
from prsmed.errors import PRSMedError
from prsmed.learning.difference import diff as lay_side_by_side

router = APIRouter(tags=["Versions"])
Name = Annotated[str, PathParameter(pattern=VERSION)]


class Why(BaseModel):
    """Why something was done, for the audit log."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field("", max_length=500)


Given = Annotated[Why | None, Body()]


@router.get("/versions", summary="Which versions of the model there are, and which is live")
def versions(person: User) -> dict[str, Any]:
    """Newest first. ``serving`` is what answers now; when that is not ``live``, ``problem`` says why."""
    app = app_instance()
    return {
        "live": app.registry.live().name,
        "serving": app.task().engine.version.version,
        "problem": app.live_model.problem,
        "versions": [version.to_json() for version in app.registry.versions()],
    }


@router.post("/versions/{version}/promote", summary="Let another version answer")
def promote(person: Admin, version: Name, why: Given = None) -> dict[str, Any]:
    """One that has passed the gate, or the base. The next question is its; running ones finish on the old."""
    app_instance().registry.promote(version, person.name, (why or Why()).reason)
    return _swapped(person)


@router.post("/versions/rollback", summary="Go back to the version that was live before")
def rollback(person: Admin, why: Given = None) -> dict[str, Any]:
    """The next question is its; running ones finish on the old."""
    app_instance().registry.rollback(person.name, (why or Why()).reason)
    return _swapped(person)


@router.get("/versions/{a}/diff/{b}", summary="Two versions side by side")
def diff(person: User, a: Name, b: Name) -> dict[str, Any]:
    """Metrics and data of both, and what differs in their configuration."""
    return lay_side_by_side(app_instance().registry, a, b)


@router.get("/versions/log", summary="What was changed, when, by whom, why")
def log(person: User, limit: Annotated[int, Query(ge=1, le=10_000)] = 100) -> list[dict[str, Any]]:
    """The audit log, newest first."""
    return [asdict(event) for event in app_instance().registry.log()[:limit]]


def _swapped(person: User) -> dict[str, Any]:
    app = app_instance()
    with suppress(PRSMedError):  # told as `problem`
        app.live_model.refresh(app.task())
    return versions(person)
