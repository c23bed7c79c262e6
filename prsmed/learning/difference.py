"""Two versions side by side: what each reached, how each was made, on what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prsmed.learning.catalogue import Catalogue
from prsmed.model.manifest import read_manifest

Sides = dict[str, dict[str, Any]]
"""By name, the value of each version: ``{"a": ..., "b": ...}``; ``None`` where it has none."""
_DATA = ("data_sha256", "images", "datasets")
_FACTS = "version"


def diff(catalogue: Catalogue, a: str, b: str) -> dict[str, Any]:
    """Lay two versions side by side.

    Returns:
        ``a`` and ``b``; ``metrics`` and ``data``, whole; of ``config``, which is the model's and the recipe's, what
        differs.

    Raises:
        PRSMedError: ``unknown_version``; ``bad_checkpoint`` for a manifest that cannot be read.
    """
    metrics = [_metrics(catalogue, name, other) for name, other in ((a, b), (b, a))]
    configs = [_config(catalogue, name) for name in (a, b)]
    changed = {name: sides for name, sides in _beside(*configs).items() if sides["a"] != sides["b"]}
    data = [_data(catalogue, name) for name in (a, b)]
    return {"a": a, "b": b, "metrics": _beside(*metrics), "config": changed, "data": _beside(*data)}


def _metrics(catalogue: Catalogue, name: str, other: str) -> Mapping[str, Any]:
    """Of two that were compared with each other, what both reached on the same list."""
    entry = catalogue.entry(other)
    if entry is not None and entry.verdict.get("against") == name:
        found: dict[str, Any] = entry.verdict["against_metrics"]
        return found
    return catalogue.get(name).metrics


def _config(catalogue: Catalogue, name: str) -> dict[str, Any]:
    manifest = read_manifest(catalogue.get(name).path)
    recipe = {key: value for key, value in manifest.training.items() if key not in (*_DATA, _FACTS)}
    return _flat({"model": manifest.config, "training": recipe})


def _data(catalogue: Catalogue, name: str) -> dict[str, Any]:
    version, entry = catalogue.get(name), catalogue.entry(name)
    training = read_manifest(version.path).training
    told = {key: training[key] for key in _DATA if key in training}
    if entry is not None:
        told |= {"data_sha256": version.data_sha256, "corrections": version.corrections, **entry.facts.data}
    return {"parent": version.parent, **told}


def _beside(a: Mapping[str, Any], b: Mapping[str, Any]) -> Sides:
    return {name: {"a": a.get(name), "b": b.get(name)} for name in dict.fromkeys((*a, *b))}


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """``{"a": {"b": 1}}`` as ``{"a.b": 1}``."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
