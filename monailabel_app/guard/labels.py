"""A label is looked at before it can be taught from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prsmed.errors import PRSMedError
from prsmed.imaging import Volume, check_label_grid, label_values, read_volume


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
    check_label_grid(label, image)
    values = label_values(label.voxels)
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
