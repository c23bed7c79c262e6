"""A label is looked at before it can be taught from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prsmed.errors import PRSMedError
from prsmed.imaging import Volume, read_volume

MAX_VALUE = 255
# How far apart, in voxels, a corner of the label and of the image may be.
_TOLERANCE = 0.1


def check_label(path: Path, image: Volume, names: Mapping[int, str] | None) -> None:
    """Refuse what does not fit its image.

    Args:
        path: The label.
        image: What it is a label of.
        names: Of the values it may hold; ``None`` when any may be.

    Raises:
        PRSMedError: ``read_volume``'s; ``bad_label_grid``; ``bad_label_values``; ``unknown_label``.
    """
    label = read_volume(path)
    _check_grid(label, image)
    values = _values(label.voxels)
    unknown = sorted(values - set(names)) if names is not None else []
    if unknown:
        known = ", ".join(f"{value} ({name})" for value, name in (names or {}).items()) or "none"
        raise PRSMedError("unknown_label", f"the label holds the value {unknown[0]}, which has no name; known: {known}")


def names_of(params: Mapping[str, Any], predicted: Mapping[str, Any]) -> dict[int, str] | None:
    """Names of a label's values: as the client says, else those of the prediction it corrects, else unknown.

    Args:
        params: Sent with the label: ``label_names`` (name to value), or stock clients' ``label_info`` (a list of
            ``name`` and ``idx``).
        predicted: What is kept of the prediction.

    Raises:
        PRSMedError: ``bad_params``.
    """
    if isinstance(params.get("label_info"), list):
        entries = [entry for entry in params["label_info"] if isinstance(entry, dict) and "name" in entry]
        # The stock Slicer module counts a background segment in idx that its label map does not have.
        numbered = {n: str(entry["name"]) for n, entry in enumerate(entries, start=1)}
        return {**numbered, **{e["idx"]: str(e["name"]) for e in entries if isinstance(e.get("idx"), int)}}
    answer = predicted.get("params")
    names = params.get("label_names") or (answer.get("label_names") if isinstance(answer, Mapping) else None)
    if names is None:
        return None
    if not isinstance(names, Mapping) or not all(isinstance(value, int) for value in names.values()):
        raise PRSMedError("bad_params", 'label_names must give a number to each name, as in {"tumour": 1}')
    return {value: name for name, value in names.items()}


def _check_grid(label: Volume, image: Volume) -> None:
    if label.shape != image.shape:
        raise PRSMedError(
            "bad_label_grid",
            f"the label has {label.shape} voxels and its image {image.shape}; export it with the image as reference",
        )
    if label.is_color:
        raise PRSMedError("bad_label_values", "the label is a colour picture; save one number a pixel")
    if not (image.has_patient_space and label.has_patient_space):
        return
    corners = np.array(np.meshgrid(*[(0, count - 1) for count in image.shape], [1.0])).reshape(4, -1)
    apart = np.linalg.norm(((label.affine - image.affine) @ corners)[:3], axis=0).max()
    if apart > _TOLERANCE * min(image.spacing):
        raise PRSMedError(
            "bad_label_grid",
            f"the label lies up to {apart:.2f} mm away from its image; export it with the image as reference",
        )


def _values(voxels: NDArray[np.generic]) -> set[int]:
    values = np.unique(voxels)
    if not np.isfinite(values).all() or (values != np.round(values)).any() or values[0] < 0 or values[-1] > MAX_VALUE:
        raise PRSMedError(
            "bad_label_values",
            f"the label holds values from {values[0]} to {values[-1]}; whole numbers from 0 to {MAX_VALUE} are labels",
        )
    return {int(value) for value in values if value}
