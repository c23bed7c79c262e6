"""`prsmed predict`: one question to every study of an archive.

OUT/run.json            what is asked of whom: a folder of results belongs to one model and one view
OUT/studies/KEY.json    a study's answer, or why there is none; written last and whole, so one that is there is finished
OUT/masks/KEY.nii.gz    its mask on the image's own grid
OUT/summary.csv         a line a study

Processes share the studies by their number and need nothing of each other but the folder.
"""

from __future__ import annotations

import csv
import io
import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from prsmed.ask import ask_volume
from prsmed.errors import PRSMedError
from prsmed.files import PART, write_whole
from prsmed.imaging import Plane, Volume, Window, read_volume, write_labelmap
from prsmed.inference import Engine
from prsmed.inference.question import check_question
from prsmed.studies import Study, find_studies

COLUMNS = (
    "image", "question", "status", "present", "answer", "zone", "patient_side", "longest_diameter_mm", "area_mm2",
    "volume_mm3", "agrees", "mask", "error", "seconds",
)  # fmt: skip
_OF_FINDING = ("zone", "patient_side", "longest_diameter_mm", "area_mm2", "volume_mm3")


@dataclass(frozen=True)
class Predicted:
    """What became of the studies of an archive, so far."""

    studies: int
    done: int
    failed: int
    summary: Path


def predict(
    source: Path,
    question: str,
    folder: Path,
    *,
    model: str = "nano",
    plane: str | None = None,
    window: Window | str | None = None,
    device: str | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Predicted:
    """Ask every study that has no result yet; one that cannot be read is told in the table and ends nothing.

    Args:
        source: Folder or list of studies (:func:`~prsmed.studies.find_studies`).
        question: In words; a list may have others.
        folder: Where the results go, and are looked for.
        model: Shipped weights by name, or a checkpoint folder.
        plane: The plane of acquisition of each study when ``None``.
        window: How to show the images to the model.
        device: Torch device; of several GPUs each process takes its own.
        progress: Told the studies done and in all, of this process.

    Returns:
        What the table holds when this process has done its share.

    Raises:
        PRSMedError: ``other_run`` when the folder has results of another model or view; ``bad_plane``; what
            :func:`~prsmed.studies.find_studies` and the model's loader raise.
    """
    if plane is not None and plane not in get_args(Plane):
        raise PRSMedError("bad_plane", f"plane {plane!r} is unknown; choose one of {', '.join(get_args(Plane))}")
    studies = find_studies(source, question, leave_out=folder)
    for asked in dict.fromkeys(study.question for study in studies):
        check_question(asked)
    engine = Engine.load(model, device=_own_device(device))
    _claim(folder, {"model": engine.version.version, "sha256": engine.version.sha256, "plane": plane, "window": window})
    share = studies[int(os.environ.get("RANK", "0")) :: int(os.environ.get("WORLD_SIZE", "1"))]
    for number, study in enumerate(share):
        progress(number, len(share))
        if not _is_done(folder, study):
            _write(folder, study, _ask(engine, study, folder, plane, window))
    progress(len(share), len(share))
    return summarise(folder, studies)


def summarise(folder: Path, studies: Sequence[Study]) -> Predicted:
    """Write the table of what there is; whoever is last has them all."""
    with FileLock(folder / ".lock"):
        rows = [result for study in studies if (result := _read(folder, study)) is not None]
        table = io.StringIO()
        writer = csv.DictWriter(table, COLUMNS)
        writer.writeheader()
        writer.writerows(map(_to_row, rows))
        write_whole(table.getvalue().encode(), folder / "summary.csv")
    done = sum(row["status"] == "done" for row in rows)
    return Predicted(len(studies), done, len(rows) - done, folder / "summary.csv")


def _own_device(device: str | None) -> str | None:
    """Of several processes on a machine each has a GPU of its own."""
    local = os.environ.get("LOCAL_RANK")
    return f"cuda:{local}" if device == "cuda" and local is not None else device


def _claim(folder: Path, facts: dict[str, Any]) -> None:
    """Make the folder that of these facts, or find it to be."""
    for place in (folder / "studies", folder / "masks"):
        place.mkdir(parents=True, exist_ok=True)
    facts = json.loads(json.dumps(facts))
    with FileLock(folder / ".lock"):
        file = folder / "run.json"
        if not file.exists():
            write_whole(json.dumps(facts, indent=2).encode(), file)
        known = json.loads(file.read_text())
    if known != facts:
        changed = ", ".join(sorted(key for key in facts if known.get(key) != facts[key]))
        raise PRSMedError(
            "other_run", f"{folder.name} holds results with another {changed}; go on with that, or give another --out"
        )


def _ask(engine: Engine, study: Study, folder: Path, plane: str | None, window: Window | str | None) -> dict[str, Any]:
    """The answer to a study, its mask written; or what was wrong with it."""
    start = time.perf_counter()
    told: dict[str, Any] = {"image": study.name, "question": study.question}
    try:
        volume = read_volume(study.path)
        asked, mask = ask_volume(engine, volume, study.question, plane=plane, window=window)
        told |= {"status": "done", **asked, "mask": _write_mask(mask, volume, folder / "masks" / f"{study.key}.nii.gz")}
    except PRSMedError as error:
        told |= {"status": "failed", "error": {"code": error.code, "message": str(error)}}
    except Exception as error:  # one broken file of an archive must not stop the night's work
        told |= {
            "status": "failed",
            "error": {"code": "unreadable_image", "message": f"{type(error).__name__}: {error}"},
        }
    return told | {"seconds": round(time.perf_counter() - start, 2)}


def _write_mask(mask: NDArray[np.uint8], volume: Volume, path: Path) -> str:
    """Write a mask whole; returns its place in the folder."""
    part = path.with_name(f"{PART}{os.getpid()}-{path.name}")
    try:
        write_labelmap(mask, volume, part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return f"{path.parent.name}/{path.name}"


def _write(folder: Path, study: Study, result: dict[str, Any]) -> None:
    write_whole(json.dumps(result, indent=2).encode(), _place(folder, study))


def _read(folder: Path, study: Study) -> dict[str, Any] | None:
    try:
        result: dict[str, Any] = json.loads(_place(folder, study).read_text())
    except FileNotFoundError:
        return None
    return result


def _is_done(folder: Path, study: Study) -> bool:
    """Whether a study has its answer; what could not be read is tried again, it may have been repaired."""
    result = _read(folder, study)
    return result is not None and result["status"] == "done"


def _place(folder: Path, study: Study) -> Path:
    return folder / "studies" / f"{study.key}.json"


def _to_row(result: dict[str, Any]) -> dict[str, Any]:
    row = {name: result.get(name) for name in ("image", "question", "status", "answer", "mask", "seconds")}
    if result["status"] != "done":
        return row | {"error": f"{result['error']['code']}: {result['error']['message']}"}
    findings: Iterable[dict[str, Any]] = result["findings"]
    first = next(iter(findings), {})
    measured = {name: first.get(name) for name in _OF_FINDING}
    return row | measured | {"present": result["present"]["probability"], "agrees": result["agreement"]["agrees"]}
