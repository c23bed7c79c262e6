"""The server learns: the next study to look at, training, versions of the model."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from PRSMedLib.i18n import tr as _
from PRSMedLib.problem import Problem
from PRSMedLib.server import ANSWER_SECONDS, TASK, Server

# Tells two readers without keys apart, for as long as Slicer runs.
_CLIENT = f"slicer-{uuid.uuid4().hex[:12]}"
_FILENAME = re.compile(r'filename="?([^";]+)')
_ENDING = re.compile(r"(\.nii\.gz|\.seg\.nrrd|\.[A-Za-z0-9]{1,5})$")


@dataclass(frozen=True)
class NextStudy:
    """A study the server would like to have looked at.

    Attributes:
        image: Its id; ``""`` when there is none left.
        reason: Why this one.
    """

    image: str
    reason: str


@dataclass(frozen=True)
class Version:
    """A version of the model; ``status`` is ``"live"``, ``"kept"``, ``"rejected"`` or ``"candidate"``."""

    name: str
    status: str
    created: str
    dice: float | None
    corrections: int | None
    reason: str


@dataclass(frozen=True)
class Training:
    """How a training stands.

    Attributes:
        status: ``"idle"``, ``"waiting"``, ``"reading"``, ``"training"``, ``"validating"``, ``"done"``, ``"failed"``
            or ``"stopped"``.
        step, steps: How far it is.
        secondsLeft: As far as it can be told.
        curve: ``(step, loss, Dice)``; the last may be ``None``.
        summary: What came of it, in words.
        quarantined: Labels that could not be used, with the reason.
    """

    status: str
    step: int
    steps: int
    secondsLeft: float | None
    curve: tuple[tuple[int, float | None, float | None], ...]
    summary: str
    quarantined: tuple[str, ...]

    @property
    def isRunning(self) -> bool:
        """Whether it goes on."""
        return self.status in ("waiting", "reading", "training", "validating")


def nextStudy(server: Server, strategy: str) -> NextStudy:
    """Let the server choose."""
    told = server.postJson(f"/activelearning/{quote(strategy, safe='')}", {"client_id": _CLIENT})
    image = str(told.get("id") or "")
    default = _("Chosen by {0}.").format(strategy) if image else _("No study is left to look at.")
    return NextStudy(image, str(told.get("reason") or default))


def download(server: Server, image: str, folder: Path, received: Callable[[float], None]) -> Path:
    """Fetch an image of the server's studies into ``folder``.

    Args:
        server: Where from.
        image: Its id.
        folder: Where to; the file's name there is ours.
        received: Called with the share that has come; may raise to stop.
    """
    with server.request("GET", "/datastore/image", params={"image": image}, readSeconds=ANSWER_SECONDS) as response:
        named = _FILENAME.search(response.headers.get("content-disposition", ""))
        ending = _ENDING.search(named.group(1)) if named else None
        path = folder / f"image{ending.group(1) if ending else '.nrrd'}"
        total, done = int(response.headers.get("content-length") or 0), 0
        with path.open("wb") as file:
            for chunk in response.iter_content(1 << 18):
                file.write(chunk)
                done += len(chunk)
                received(done / total if total else 0.0)
    return path


def startTraining(server: Server) -> None:
    """Let the server learn from the corrections it has."""
    server.postJson(f"/train/{TASK}", {})


def stopTraining(server: Server) -> None:
    """Stop it; the live model stays."""
    with server.request("DELETE", "/train/"):
        pass


def training(server: Server) -> Training:
    """How the newest training stands."""
    told = server.getJson(f"/train/{TASK}/stats")
    outcome, error = told.get("outcome") or {}, told.get("error")
    summary = str(error or "")
    if outcome:
        fate = _("{0} is live now") if outcome.get("promoted") else _("{0} was not made live")
        summary = f"{fate.format(told.get('version') or _('The new model'))}: {outcome.get('reason', '')}"
    return Training(
        status=str(told.get("status", "idle")),
        step=int(told.get("step") or 0),
        steps=int(told.get("steps") or 0),
        secondsLeft=told.get("seconds_left"),
        curve=tuple((int(row["step"]), row.get("loss"), row.get("dice")) for row in told.get("curve") or ()),
        summary=summary,
        quarantined=tuple(f"{each.get('image')}: {each.get('reason')}" for each in told.get("quarantined") or ()),
    )


def versions(server: Server) -> tuple[Version, ...]:
    """All versions, newest first."""
    return _versions(server.getJson("/versions"))


def promote(server: Server, name: str) -> tuple[Version, ...]:
    """Make a version live."""
    return _versions(server.postJson(f"/versions/{quote(name, safe='')}/promote", {"reason": "chosen in 3D Slicer"}))


def rollBack(server: Server) -> tuple[Version, ...]:
    """Go back to what was live before."""
    return _versions(server.postJson("/versions/rollback", {"reason": "rolled back in 3D Slicer"}))


def _versions(told: Any) -> tuple[Version, ...]:
    if not isinstance(told, dict) or not isinstance(told.get("versions"), list):
        raise Problem("no_versions", _("The server keeps no versions of its model."))
    return tuple(
        Version(
            name=str(each.get("version", "?")),
            status=str(each.get("status", "")),
            created=str(each.get("created") or ""),
            dice=(each.get("metrics") or {}).get("dice"),
            corrections=each.get("corrections"),
            reason=str(each.get("reason") or ""),
        )
        for each in told["versions"]
    )
