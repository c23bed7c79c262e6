"""Miniatures of the folders in which the PRS-Med authors' code saves a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from sam_files import TINYSAM, encoder_file, noise, rest_of_file
from torch import Tensor
from transformers import PreTrainedModel

from prsmed.model.config import ReferenceConfig
from prsmed.model.reference_decoder import ReferenceDecoder

RANK, ALPHA, HIDDEN = 4, 8, 24


def write_folder(
    folder: Path, adapter: dict[str, Tensor], *, width: int, pre_norm: bool = False, late: bool = True, classes: int = 6
) -> Path:
    """Write ``llm_seg_N``; ``late`` as their last commit does, else as at the paper's time; no ``cls.pth`` for 0."""
    (folder / "lora_adapter").mkdir(parents=True)
    save_file(adapter, folder / "lora_adapter" / "adapter_model.safetensors")
    config: dict[str, Any] = {
        "base_model_name_or_path": "microsoft/llava-med-v1.5-mistral-7b",
        "bias": "none",
        "lora_alpha": ALPHA,
        "lora_dropout": 0.1,
        "modules_to_save": None,
        "peft_type": "LORA",
        "r": RANK,
        "target_modules": ["v_proj", "o_proj", "q_proj", "k_proj"],
        "task_type": "CAUSAL_LM",
        "use_dora": False,
        "use_rslora": False,
    }
    (folder / "lora_adapter" / "adapter_config.json").write_text(json.dumps(config))
    words = folder / ("tokenizer" if late else "lora_adapter")
    words.mkdir(exist_ok=True)
    (words / "tokenizer.model").write_bytes(b"words")
    (words / "tokenizer_config.json").write_text("{}")
    encoder = encoder_file(TINYSAM, seed=5)
    sam = {f"sam.{key}": tensor for key, tensor in {**encoder, **rest_of_file(seed=6)}.items()}
    torch.save({**sam, **encoder}, folder / "image_encoder.pth")
    decoder = ReferenceDecoder(ReferenceConfig(hidden_dim=HIDDEN, pre_norm=pre_norm), image_dim=32, prompt_dim=width)
    torch.save(noise(decoder.state_dict(), seed=7), folder / "mask_decoder.pth")
    if classes:
        torch.save({"2.weight": torch.randn(classes, 32), "2.bias": torch.randn(classes)}, folder / "cls.pth")
    return folder


def adapter_of(vlm: PreTrainedModel, seed: int = 8, tower: bool = True) -> dict[str, Tensor]:
    """An adapter for a tiny LLaVA, as peft names it around the authors' own class; the tower's has learnt nothing."""
    torch.manual_seed(seed)
    adapter: dict[str, Tensor] = {}
    for number, layer in enumerate(vlm.model.language_model.layers):
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            rows, cols = getattr(layer.self_attn, name).weight.shape
            place = f"base_model.model.model.layers.{number}.self_attn.{name}"
            adapter[f"{place}.lora_A.weight"] = 0.2 * torch.randn(RANK, cols)
            adapter[f"{place}.lora_B.weight"] = 0.2 * torch.randn(rows, RANK)
    if tower:
        place = "base_model.model.model.vision_tower.vision_tower.vision_model.encoder.layers.0.self_attn.q_proj"
        adapter[f"{place}.lora_A.weight"] = torch.randn(RANK, 16)
        adapter[f"{place}.lora_B.weight"] = torch.zeros(16, RANK)
    return adapter
