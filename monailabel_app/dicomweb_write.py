"""A label file as what a DICOM archive takes: a Segmentation, and the measurements beside it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from monailabel_app.dicomweb_labels import FINAL, ORIGINAL, note_of
from monailabel_app.guard.labels import check_label, names_of
from prsmed.errors import PRSMedError
from prsmed.imaging import read_volume
from prsmed.imaging.dicom_note import attach_note
from prsmed.imaging.dicom_report import write_report
from prsmed.imaging.dicom_seg import Algorithm, shorten, write_seg
from prsmed.imaging.dicom_source import read_headers

_UNNAMED = "PRS-Med"


def to_dicom(
    source: Path,
    label_file: Path,
    tag: str,
    info: Mapping[str, Any],
    predicted: Mapping[str, Any],
    written: datetime.datetime,
) -> list[Dataset]:
    """The objects to store for a label.

    A label of the tag ``final`` is ``MANUAL``: a person has drawn, corrected or approved it. One with another tag is
    ``AUTOMATIC`` when it is ``original`` or came with a model's answer.

    Args:
        source: The image's DICOM series folder.
        label_file: The label map, on the image's grid.
        tag: Of the label.
        info: Recorded with it; of a prediction, ``model`` and ``params``, the JSON of the answer.
        predicted: Recorded with the prediction that it may be a correction of.
        written: Date and time to give it.

    Returns:
        The Segmentation; and, where the answer has findings, the measurement report.

    Raises:
        PRSMedError: ``bad_label_grid``, ``bad_label_values``, ``bad_params``, ``bad_findings``, ``seg_unwritable``.
    """
    image, headers = read_volume(source), read_headers(source)
    check_label(label_file, image, None)
    labels = read_volume(label_file).voxels.astype(np.uint8)
    answer = _answer(info)
    named = names_of({**answer, **info}, predicted) or {}
    values = _distinct({value: shorten(name) or f"label {value}" for value, name in sorted(named.items())})
    algorithm = _algorithm(tag, info, predicted)
    seg = write_seg(labels, values, image, headers, algorithm, description=f"{algorithm.name} {tag}", written=written)
    attach_note(seg, note_of(tag, values, info))
    findings = answer.get("findings") or []
    if not isinstance(findings, list) or not all(isinstance(finding, Mapping) for finding in findings):
        raise PRSMedError("bad_findings", "findings must be a list of objects, as in an answer")
    if not findings:
        return [seg]
    question, words = str(answer.get("question") or answer.get("prompt") or ""), str(answer.get("answer") or "")
    report = write_report(findings, seg, headers, algorithm, question=question, answer=words, written=written)
    return [seg, report]


def _answer(info: Mapping[str, Any]) -> Mapping[str, Any]:
    params = info.get("params")
    return params if isinstance(params, Mapping) else {}


def _distinct(names: Mapping[int, str]) -> dict[str, int]:
    """Name to value; a second value of one name gets its number behind it."""
    values: dict[str, int] = {}
    for value, name in names.items():
        values[f"{name} ({value})" if name in values else name] = value
    return values


def _algorithm(tag: str, info: Mapping[str, Any], predicted: Mapping[str, Any]) -> Algorithm:
    is_answer = "model" in info and bool(_answer(info))
    is_automatic = tag == ORIGINAL or (is_answer and tag != FINAL)
    name, version = _model(info)
    if not name and not version:
        name, version = _model(predicted)
    return Algorithm(name or _UNNAMED, version or "unknown", "AUTOMATIC" if is_automatic else "MANUAL")


def _model(info: Mapping[str, Any]) -> tuple[str, str]:
    """Name and version of the model that a label came from, ``""`` where nothing says."""
    name, answered = info.get("model"), _answer(info).get("model")
    version = answered.get("version") if isinstance(answered, Mapping) else answered
    return (name if isinstance(name, str) else ""), str(version or "")
