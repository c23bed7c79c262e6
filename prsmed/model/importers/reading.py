"""Weight files of others, read without running anything in them, and checked key by key."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from zipfile import BadZipFile

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Size, Tensor

from prsmed.errors import PRSMedError

_INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
_WANTED = re.compile(r"GLOBAL ([\w.]+)")
_SINGLE = ("model.safetensors", "pytorch_model.bin")


def read_weights(path: Path, inside: str | None = None) -> dict[str, Tensor]:
    """The tensors of one ``.safetensors`` or torch file (``.pth``, ``.pt``, ``.bin``), on the CPU, memory-mapped.

    Args:
        path: The file.
        inside: Key under which a torch file keeps its state dict, when it does.

    Raises:
        PRSMedError: ``weights_not_found``; ``bad_weights`` for a file that is damaged, holds code, or holds other
            things than tensors.
    """
    if not path.is_file():
        raise PRSMedError("weights_not_found", f"{path} is not a file; give the weights as they were downloaded")
    try:
        held = load_file(path) if path.suffix == ".safetensors" else _load_torch(path)
    except (pickle.UnpicklingError, SafetensorError, RuntimeError, EOFError, OSError, ValueError, BadZipFile) as error:
        wanted = _WANTED.search(str(error))
        if wanted:
            what = f"is a pickle that wants {wanted[1]}, which is not run; take a file of tensors only"
            raise _bad(path, what) from error
        raise _bad(path, "is damaged, cut short or no file of weights; download it again") from error
    if inside is not None and isinstance(held, dict) and isinstance(held.get(inside), dict):
        held = held[inside]
    if not isinstance(held, dict) or not held:
        raise _bad(path, "holds no state dict: tensors by name were expected")
    others = sorted(str(key) for key, value in held.items() if not isinstance(value, Tensor))
    if others:
        raise _bad(path, f"holds {others[0]!r}, which is no tensor: a state dict was expected")
    return held


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The weight files of a folder in the layout of the hub: one, or the shards its index names.

    Raises:
        PRSMedError: ``weights_not_found`` naming the file that is not there; ``bad_weights`` for a damaged index.
    """
    for name in _INDEXES:
        if (folder / name).is_file():
            return _shards(folder / name)
    for name in _SINGLE:
        if (folder / name).is_file():
            return (folder / name,)
    raise PRSMedError(
        "weights_not_found", f"{folder} holds none of {', '.join(_INDEXES + _SINGLE)}; download the whole repository"
    )


def check_fit(expected: Mapping[str, Size], found: Mapping[str, Tensor | Size], file: str) -> None:
    """Hold what was found against what must be there: the same keys, the same shapes.

    Args:
        expected: Shape by key.
        found: Tensor or shape by key, under the names of ``expected``.
        file: What was read, for the message.

    Raises:
        PRSMedError: ``bad_weights`` naming missing, unexpected or misshapen keys, the first three of each.
    """
    problems = misfits(expected, found)
    if problems:
        raise PRSMedError("bad_weights", f"{file} does not fit: {problems}")


def misfits(expected: Mapping[str, Size], found: Mapping[str, Tensor | Size]) -> str:
    """What :func:`check_fit` finds wrong, in words; empty when all fits."""
    shapes = {key: value.shape if isinstance(value, Tensor) else value for key, value in found.items()}
    problems = {
        "missing": sorted(expected.keys() - shapes.keys()),
        "unexpected": sorted(shapes.keys() - expected.keys()),
        "misshapen": sorted(
            f"{key} {tuple(shapes[key])} instead of {tuple(expected[key])}"
            for key in expected.keys() & shapes.keys()
            if expected[key] != shapes[key]
        ),
    }
    return "; ".join(f"{len(keys)} {problem} keys: {_some(keys)}" for problem, keys in problems.items() if keys)


def _load_torch(path: Path) -> object:
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except RuntimeError as error:
        if "mmap" not in str(error):  # files from before torch 1.6 cannot be mapped
            raise
    return torch.load(path, map_location="cpu", weights_only=True)


def _shards(index: Path) -> tuple[Path, ...]:
    try:
        names = sorted(set(json.loads(index.read_text())["weight_map"].values()))
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise _bad(index, f"cannot be read as an index of shards: {error}; download it again") from error
    for name in names:
        if Path(name).name != name:
            raise _bad(index, f"names the shard {name!r}, which is no plain file name")
        if not (index.parent / name).is_file():
            raise PRSMedError(
                "weights_not_found", f"{index.name} names the shard {name}, which is not there; download it too"
            )
    return tuple(index.parent / name for name in names)


def _some(keys: list[str]) -> str:
    return ", ".join(keys[:3]) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")


def _bad(path: Path, what: str) -> PRSMedError:
    return PRSMedError("bad_weights", f"{path.name} {what}")
