"""Models that the PRS-Med authors' code saved become checkpoints of ours, and back."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from safetensors.torch import save_file

from prsmed.model.build import build_model
from prsmed.model.checkpoint import (
    Manifest,
    load_strictly,
    save_checkpoint,
)
from prsmed.model.config import ModelConfig, PretrainedLanguageConfig
from prsmed.model.importers.save_folder import SaveFolder, read_save_folder
from prsmed.model.presets import find_preset

REST, TOKENIZER = "authors.safetensors", "authors_tokenizer"
"""Beside the checkpoint: what the authors' folder holds and our model does not use, so that it can be written again."""


def import_authors(folder: Path, checkpoint: Path, language: str = "llava-med") -> Manifest:
    """Turn a save folder (``llm_seg_N``) into a checkpoint on an imported language model.

    Args:
        folder: What the authors' code saved.
        checkpoint: Folder to write.
        language: The imported part that the adapter was trained on.

    Raises:
        PRSMedError: What :func:`~prsmed.model.importers.save_folder.read_save_folder` raises; ``part_not_found``;
            ``bad_checkpoint`` when the adapter is of another base. Nothing is written then.
    """
    saved = read_save_folder(folder)
    preset = find_preset("prs-med-reference-v5" if saved.pre_norm else "prs-med-reference")
    return _write(saved, preset, checkpoint, language)


def _write(saved: SaveFolder, preset: ModelConfig, checkpoint: Path, language: str) -> Manifest:
    assert isinstance(preset.language, PretrainedLanguageConfig)
    tuned = replace(
        preset.language,
        part=language,
        lora_rank=saved.lora_rank,
        lora_alpha=saved.lora_alpha,
        lora_dropout=saved.lora_dropout,
    )
    model = build_model(replace(preset, language=tuned))
    load_strictly(model, saved.weights)
    facts = {"imported": "prs-med", "sha256": saved.sha256, "base_name": saved.base_name}
    manifest = save_checkpoint(model, checkpoint, f"{preset.name}-imported", facts)
    save_file(saved.rest, checkpoint / REST)
    if saved.tokenizer_folder is not None:
        shutil.copytree(saved.tokenizer_folder, checkpoint / TOKENIZER, dirs_exist_ok=True)
    return manifest
