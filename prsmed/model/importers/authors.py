"""Models that the PRS-Med authors' code saved become checkpoints of ours, and back."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from prsmed.errors import PRSMedError
from prsmed.model.adapters import PROJECTIONS
from prsmed.model.build import build_model
from prsmed.model.checkpoint import (
    WEIGHTS,
    Manifest,
    find_checkpoint,
    load_strictly,
    own_state,
    read_manifest,
    save_checkpoint,
)
from prsmed.model.config import ModelConfig, PretrainedLanguageConfig, ReferenceConfig
from prsmed.model.importers.encoders import read_sam_weights
from prsmed.model.importers.reading import check_fit
from prsmed.model.importers.save_folder import (
    ADAPTER,
    ADAPTER_CONFIG,
    CLASSIFIER,
    DECODER,
    ENCODER,
    SaveFolder,
    file_and_key,
    read_save_folder,
)
from prsmed.model.presets import find_preset
from prsmed.model.prsmed import PRSMed

KEPT, REST, TOKENIZER = "authors", "rest.safetensors", "tokenizer"
"""Folder in a checkpoint for what the authors' folder holds and our model does not use: it can be written again."""


def import_authors(
    folder: Path, checkpoint: Path, language: str = "llava-med", preset: ModelConfig | None = None
) -> Manifest:
    """Turn a save folder (``llm_seg_N``) into a checkpoint on an imported language model.

    Args:
        folder: What the authors' code saved.
        checkpoint: New folder to write.
        language: The imported part that the adapter was trained on.
        preset: Shape of the model; the reference preset of the decoder that was saved when ``None``.

    Raises:
        PRSMedError: What :func:`~prsmed.model.importers.save_folder.read_save_folder` raises; ``no_tokenizer``;
            ``part_not_found``; ``bad_weights`` naming the file that does not fit, as an adapter of another base does
            not; ``folder_in_use``. Nothing is written then.
    """
    _refuse_used(checkpoint)
    saved = read_save_folder(folder)
    if saved.tokenizer is None:
        raise PRSMedError("no_tokenizer", f"{folder.name} has no tokenizer, neither in tokenizer/ nor in lora_adapter/")
    preset = preset or find_preset("prs-med-reference-v5" if saved.pre_norm else "prs-med-reference")
    model = build_model(replace(preset, language=_adapted(preset, saved, language)))
    _fill(model, saved)
    facts = {
        "imported": "prs-med",
        "sha256": saved.sha256,
        "base_name": str(saved.adapter.get("base_model_name_or_path", "")),
    }
    manifest = save_checkpoint(model, checkpoint, f"{preset.name}-imported", facts)
    _keep(saved, checkpoint / KEPT)
    return manifest


def export_authors(checkpoint: str | Path, folder: Path) -> None:
    """Write a checkpoint as the authors' code saves a model; what was imported has the same keys and values again.

    A model of our own training has no classifier, and the rest of SAM is that of the encoder's part.

    Raises:
        PRSMedError: ``checkpoint_not_found``; ``not_exportable`` for another decoder or parts such a folder has no
            place for; ``folder_in_use``.
    """
    source = find_checkpoint(checkpoint)
    config = ModelConfig.from_json(read_manifest(source).config)
    if not isinstance(config.decoder, ReferenceConfig) or not isinstance(config.language, PretrainedLanguageConfig):
        raise PRSMedError(
            "not_exportable", f"{config.name} has not the authors' decoder; export a prs-med-reference model"
        )
    _refuse_used(folder)
    files: dict[str, dict[str, Tensor]] = defaultdict(dict)
    for key, tensor in load_file(source / WEIGHTS).items():
        for file, name in file_and_key(key):
            files[file][name] = tensor.clone()
    for key, tensor in _rest(source, config).items():
        file, _, name = key.partition(":")
        if file not in (ADAPTER, ENCODER, DECODER, CLASSIFIER):  # what a checkpoint says must not become a path
            raise PRSMedError("bad_checkpoint", f"{KEPT}/{REST} names the file {file!r}; copy the checkpoint again")
        files[file][name] = tensor.clone()
    for file, held in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        if file.endswith(".pth"):
            torch.save(held, folder / file)
        else:
            save_file(held, folder / file)
    (folder / ADAPTER_CONFIG).write_text(json.dumps(_adapter_config(source, config.language), indent=2) + "\n")
    if (source / KEPT / TOKENIZER).is_dir():
        shutil.copytree(source / KEPT / TOKENIZER, folder / TOKENIZER)


def _adapted(preset: ModelConfig, saved: SaveFolder, language: str) -> PretrainedLanguageConfig:
    assert isinstance(preset.language, PretrainedLanguageConfig)
    return replace(
        preset.language,
        part=language,
        lora_rank=int(saved.adapter["r"]),
        lora_alpha=int(saved.adapter["lora_alpha"]),
        lora_dropout=float(saved.adapter["lora_dropout"]),
    )


def _fill(model: PRSMed, saved: SaveFolder) -> None:
    """Load file by file, so that what does not fit is named with its file."""
    shapes = {key: tensor.shape for key, tensor in own_state(model).items()}
    for file, held in saved.weights.items():
        beginning = "language." if file == ADAPTER else "encoder." if file == ENCODER else "decoder."
        check_fit({key: shape for key, shape in shapes.items() if key.startswith(beginning)}, held, file)
    load_strictly(model, {key: tensor for held in saved.weights.values() for key, tensor in held.items()})


def _keep(saved: SaveFolder, folder: Path) -> None:
    folder.mkdir()
    save_file({key: tensor.clone().contiguous() for key, tensor in saved.rest.items()}, folder / REST)
    (folder / Path(ADAPTER_CONFIG).name).write_text(json.dumps(saved.adapter, indent=2) + "\n")
    assert saved.tokenizer is not None
    ours = shutil.ignore_patterns("adapter_*", "README.md")  # at the paper's time it lay among the adapter's files
    shutil.copytree(saved.tokenizer, folder / TOKENIZER, ignore=ours)


def _rest(source: Path, config: ModelConfig) -> dict[str, Tensor]:
    if (source / KEPT / REST).is_file():
        kept: dict[str, Tensor] = load_file(source / KEPT / REST)
        return kept
    assert config.encoder is not None
    held = read_sam_weights(config.encoder.part)
    rest = {f"{ENCODER}:sam.{key}": tensor for key, tensor in held.items()}
    return rest | {f"{ENCODER}:{key}": tensor for key, tensor in held.items() if key.startswith("image_encoder.")}


def _adapter_config(source: Path, language: PretrainedLanguageConfig) -> dict[str, Any]:
    kept = source / KEPT / Path(ADAPTER_CONFIG).name
    if kept.is_file():
        values: dict[str, Any] = json.loads(kept.read_text())
        return values
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": language.part,
        "r": language.lora_rank,
        "lora_alpha": language.lora_alpha,
        "lora_dropout": language.lora_dropout,
        "target_modules": list(PROJECTIONS),
        "bias": "none",
        "inference_mode": True,
    }


def _refuse_used(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise PRSMedError("folder_in_use", f"{folder} is there and not empty; name a new folder")
