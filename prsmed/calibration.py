"""`prsmed calibrate`: fit presence temperature and threshold on the images a training run set aside."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from prsmed.data import Conversation, Record
from prsmed.data.interview import interview
from prsmed.data.questions import Wording
from prsmed.data.schema import to_line
from prsmed.data.sources import INDEX
from prsmed.errors import PRSMedError
from prsmed.evaluation.answering import ask
from prsmed.evaluation.presence_fit import PresenceFit, Quality, Said
from prsmed.evaluation.progress import Progress
from prsmed.evaluation.run import KINDS
from prsmed.files import staged_copy, write_whole
from prsmed.model.checkpoint import (
    MANIFEST,
    TOKENIZER,
    WEIGHTS,
    Manifest,
    find_checkpoint,
    load_checkpoint,
    read_manifest,
)
from prsmed.model.prsmed import PRSMed
from prsmed.training.aside import all_records, set_aside

_SEED = 0


@dataclass(frozen=True)
class Calibrated:
    """What came of it.

    Attributes:
        manifest: Of the checkpoint as written.
        before, after: The model as it was and as it is, on the answers fitted to.
    """

    manifest: Manifest
    before: Quality
    after: Quality


def calibrate(
    checkpoint: Path | str, data: Path, out: Path | None, report: Progress, device: str = "cpu"
) -> Calibrated:
    """Fit a checkpoint's presence to images that it never learned from and that no figure is reported on.

    These are the training images that a run with ``select=train`` sets aside, asked in wordings never trained on,
    where their target is and, of some, about something absent. The weights stay as they are.

    Args:
        checkpoint: Folder, or name of shipped weights.
        data: The folder it was trained on.
        out: A folder for the calibrated checkpoint; ``None`` writes into the one there is.
        report: Told how far it is.
        device: Torch device.

    Raises:
        PRSMedError: ``bad_calibration`` for a model that may have learned from these images, for other data than it
            was trained on, or too few answers; what loading and asking raise.
    """
    folder = find_checkpoint(checkpoint)
    model, manifest = load_checkpoint(folder)
    if not isinstance(model, PRSMed) or model.decoder is None:
        raise PRSMedError("bad_calibration", f"{manifest.version} judges no presence; name a model that does")
    records = _never_learned(manifest, data)
    asked = _questions(records, data)
    model.to(torch.device(device))
    temperature = model.config.presence_temperature
    fit = PresenceFit(_answers(model, asked, data, report), temperature)
    before = fit.quality(temperature, model.config.presence_threshold)
    fitted = fit.temperature()
    after = fit.quality(fitted, fit.threshold(fitted))
    config = replace(model.config, presence_temperature=after.temperature, presence_threshold=after.threshold)
    facts = {**_facts(asked), "data_sha256": _hash(data / INDEX), "before": before.to_json(), "after": after.to_json()}
    changed = replace(manifest, config=config.to_json(), calibration=facts)
    return Calibrated(_write(changed, folder, folder if out is None else out), before, after)


def _never_learned(manifest: Manifest, data: Path) -> list[Record]:
    """The images that the run set aside.

    Raises:
        PRSMedError: ``bad_calibration``, when the manifest cannot vouch for it.
    """
    facts, version = manifest.training, manifest.version
    if facts.get("select") != "train":
        raise PRSMedError(
            "bad_calibration",
            f"{version} was trained without setting images aside, so there are none to fit to that it has not seen; "
            "train it with --set select=train",
        )
    if learned := [name for name in ("init", "adapted") if name in facts]:
        raise PRSMedError(
            "bad_calibration",
            f"{version} may have learned from the images set aside ({learned[0]!r} in its manifest); "
            "calibrate one that was trained in a single run from fresh weights",
        )
    records = all_records(data, int(facts["phantoms"]), int(facts["seed"]))
    if _hash(data / INDEX) != facts["data_sha256"]:
        raise PRSMedError(
            "bad_calibration",
            f"{data} is not the data that {version} was trained on, so other images would be set aside; "
            "name the folder it was trained on",
        )
    _, aside = set_aside([record for record in records if record.split == "train"])
    if not aside:
        raise PRSMedError("bad_calibration", f"no image of {data} is set aside; its groups are too few or too large")
    return aside


def _questions(records: Sequence[Record], data: Path) -> list[Conversation]:
    wording = Wording.load(None)
    held_out = [replace(record, split="val") for record in records]  # so that they are asked in wordings held out
    return [one for record in held_out for one in interview(record, data, wording, KINDS, _SEED)]


def _answers(model: PRSMed, asked: Sequence[Conversation], data: Path, report: Progress) -> list[Said]:
    said = []
    for answered in ask(model, asked, data):
        prediction = answered.prediction
        assert prediction.presence is not None
        modality, present = answered.conversation.record.modality, answered.conversation.turn.present
        said.append(Said(modality, present, prediction.presence, bool(prediction.raw_mask.any())))
        report(len(said), len(asked))
    return said


def _facts(asked: Sequence[Conversation]) -> dict[str, Any]:
    """What was fitted to, for the manifest."""
    present = sum(one.turn.present for one in asked)
    return {
        "questions": len(asked),
        "present": present,
        "absent": len(asked) - present,
        "groups": len({(one.record.modality, one.record.group) for one in asked}),
        "list_sha256": hashlib.sha256("".join(map(to_line, asked)).encode()).hexdigest(),
    }


def _write(manifest: Manifest, source: Path, out: Path) -> Manifest:
    """The manifest, last, beside weights and tokenizer; returned as it is read."""
    out.mkdir(parents=True, exist_ok=True)
    if out.resolve() != source.resolve():
        for name in (WEIGHTS, TOKENIZER):
            if (source / name).is_file():
                with staged_copy(source / name, out) as part:
                    os.replace(part, out / name)
    write_whole((json.dumps(asdict(manifest), indent=2) + "\n").encode(), out / MANIFEST)
    return read_manifest(out)


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
