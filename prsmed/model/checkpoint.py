"""Weights on disk: safetensors beside a manifest, never a pickle.

FOLDER/manifest.json      format, configuration, version, sha256 of the weights, what they were trained on
FOLDER/model.safetensors  every parameter and buffer but those of an imported language model that stay as they are
FOLDER/tokenizer.json     the tokenizer of a language model from scratch

An imported language model is named with its hash, never copied: its licence may forbid that, and it is large.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from prsmed.errors import PRSMedError
from prsmed.model.build import build_model
from prsmed.model.config import ModelConfig, PretrainedLanguageConfig
from prsmed.model.importers.reading import misfits
from prsmed.model.manifest import (
    MANIFEST,
    TOKENIZER,
    WEIGHTS,
    Manifest,
    find_checkpoint,
    read_manifest,
    unreadable,
    verify_checkpoint,
)
from prsmed.model.parts import find_part, hash_files
from prsmed.model.prsmed import PRSMed
from prsmed.model.tiny_llava import TinyLlava
from prsmed.model.tokenizer import read_tokenizer
from prsmed.model.unet import BaselineUNet, UNetConfig

__all__ = [
    "MANIFEST",
    "TOKENIZER",
    "WEIGHTS",
    "Manifest",
    "find_checkpoint",
    "load_checkpoint",
    "load_strictly",
    "own_state",
    "read_manifest",
    "save_checkpoint",
    "verify_checkpoint",
]
_BORROWED = "language.vlm."


def save_checkpoint(
    model: PRSMed | BaselineUNet,
    folder: Path,
    version: str,
    training: dict[str, Any] | None = None,
    weights: dict[str, Tensor] | None = None,
) -> Manifest:
    """Write ``model`` into ``folder`` and return its manifest; ``weights``: its :func:`own_state`, when not at hand."""
    folder.mkdir(parents=True, exist_ok=True)
    own = own_state(model) if weights is None else weights
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in own.items()}, folder / WEIGHTS)
    manifest = Manifest(_kind(model), version, hash_files([folder / WEIGHTS]), _config(model), training or {})
    if isinstance(model, PRSMed) and isinstance(model.language, TinyLlava):
        model.language.tokenizer.backend_tokenizer.save(str(folder / TOKENIZER))
        manifest = replace(manifest, tokenizer_sha256=hash_files([folder / TOKENIZER]))
    elif isinstance(model, PRSMed):
        manifest = replace(manifest, base=_base(model.config))
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2) + "\n")
    return manifest


def own_state(model: nn.Module) -> dict[str, Tensor]:
    """What a checkpoint holds of a model: all but the frozen weights of an imported language model."""
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    own: dict[str, Tensor] = {}
    pointers: set[int] = set()
    for key, tensor in model.state_dict().items():
        # Tied weights have two names; the first is enough.
        pointer = tensor.data_ptr()
        if (key in trained or not key.startswith(_BORROWED)) and not (pointer and pointer in pointers):
            own[key] = tensor
            pointers.add(pointer)
    return own


def load_checkpoint(folder: Path) -> tuple[PRSMed | BaselineUNet, Manifest]:
    """Rebuild a model on the CPU, in evaluation mode, accounting for every key.

    Raises:
        PRSMedError: ``bad_checkpoint`` for a damaged file, a wrong hash, or keys or shapes that do not fit.
    """
    manifest = verify_checkpoint(folder)
    model = _build(manifest, folder)
    load_strictly(model, _read_weights(folder / WEIGHTS))
    return model.eval(), manifest


def _build(manifest: Manifest, folder: Path) -> PRSMed | BaselineUNet:
    if manifest.kind not in ("prsmed", "unet"):
        raise PRSMedError("bad_checkpoint", f"unknown kind of model {manifest.kind!r}; known are prsmed and unet")
    try:
        if manifest.kind == "unet":
            return BaselineUNet(UNetConfig(**{**manifest.config, "channels": tuple(manifest.config["channels"])}))
        config = ModelConfig.from_json(manifest.config)
        if isinstance(config.language, PretrainedLanguageConfig):
            _check_base(manifest.base, config.language.part)
            return build_model(config)
        return build_model(config, read_tokenizer(folder / TOKENIZER))
    except (KeyError, TypeError, ValueError, AttributeError, AssertionError) as error:
        if isinstance(error, PRSMedError):
            raise
        raise PRSMedError(
            "bad_checkpoint", f"the configuration in {MANIFEST} builds no model: {error}; copy the checkpoint again"
        ) from error


def load_strictly(model: nn.Module, weights: dict[str, Tensor]) -> None:
    """Load ``weights`` into ``model``; every key must fit.

    Raises:
        PRSMedError: ``bad_checkpoint`` naming missing, unexpected and misshapen keys.
    """
    own = own_state(model)
    problems = misfits({key: tensor.shape for key, tensor in own.items()}, weights)
    if problems:
        raise PRSMedError("bad_checkpoint", f"the weights do not fit the configuration: {problems}")
    model.load_state_dict(weights, strict=False)


def _kind(model: PRSMed | BaselineUNet) -> str:
    return "prsmed" if isinstance(model, PRSMed) else "unet"


def _config(model: PRSMed | BaselineUNet) -> dict[str, Any]:
    return model.config.to_json() if isinstance(model, PRSMed) else asdict(model.config)


def _base(config: ModelConfig) -> dict[str, str]:
    assert isinstance(config.language, PretrainedLanguageConfig)
    _, part = find_part(config.language.part, "language")
    return {"part": part.name, "sha256": part.sha256, "licence": part.licence}


def _check_base(base: dict[str, str], name: str) -> None:
    """The part of that name must be the one the weights were trained on."""
    _, part = find_part(name, "language")
    if part.sha256 != base.get("sha256"):
        raise PRSMedError(
            "other_base",
            f"the weights stand on the {name!r} with sha256 {str(base.get('sha256'))[:12]}..., the one imported here "
            f"has {part.sha256[:12]}...; import the right one",
        )


def _read_weights(path: Path) -> dict[str, Tensor]:
    try:
        weights: dict[str, Tensor] = load_file(path)
    except SafetensorError as error:
        raise unreadable(path, error) from error
    return weights
