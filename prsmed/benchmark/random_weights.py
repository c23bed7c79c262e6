"""Presets of full size with random weights: as slow and as large as the real ones, and nothing to download."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForImageTextToText,
    CLIPImageProcessor,
    LlavaConfig,
    LlavaNextConfig,
    LlavaNextImageProcessor,
    LlavaNextProcessor,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

from prsmed.data import vocabulary_lines
from prsmed.errors import PRSMedError
from prsmed.inference import Engine
from prsmed.model.adapters import tune
from prsmed.model.answering import prepare_to_answer
from prsmed.model.build import assemble, build_encoder
from prsmed.model.config import ModelConfig, PretrainedLanguageConfig
from prsmed.model.known import shape_of
from prsmed.model.manifest import MANIFEST, Manifest
from prsmed.model.pretrained import PretrainedLanguage
from prsmed.model.prsmed import PRSMed
from prsmed.model.tokenizer import BOS, EOS, IMAGE, PAD, train_tokenizer


def random_model(config: ModelConfig, device: torch.device) -> PRSMed:
    """A preset of full size with random weights, in evaluation mode.

    Raises:
        PRSMedError: ``not_measurable`` for a preset whose language model is not of the LLaVA family.
    """
    if not isinstance(config.language, PretrainedLanguageConfig):
        raise PRSMedError("not_measurable", f"{config.name} is small and ships with us; use `prsmed benchmark ask`")
    shape = shape_of(config.language.part)
    if not isinstance(shape, LlavaConfig | LlavaNextConfig):
        raise PRSMedError("not_measurable", f"{config.name} is not of the LLaVA family; name a preset that is")
    processor = _blank_processor(shape)
    with device:
        vlm = AutoModelForImageTextToText.from_config(shape, dtype=torch.bfloat16)
        tune(vlm, config.language)
        language = PretrainedLanguage(config.language, vlm, processor, config.condition_on == "seg")
        encoder = None if config.encoder is None else build_encoder(config.encoder)
        return assemble(config, encoder, language).to(device).eval()


def random_engine(config: ModelConfig, device: torch.device) -> Engine:
    """An engine that answers with :func:`random_model`.

    Raises:
        PRSMedError: As :func:`random_model`.
    """
    return _HeldEngine(random_model(config, device), device)


class _HeldEngine(Engine):
    """Its model is in memory already; there is no file of weights."""

    def __init__(self, model: PRSMed, device: torch.device) -> None:
        manifest = Manifest("prsmed", f"{model.config.name}, random weights", "", model.config.to_json())
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / MANIFEST).write_text(json.dumps(asdict(manifest)))
            super().__init__(Path(folder), device=str(device))
        prepare_to_answer(model, device)
        self._model = model


def _blank_processor(shape: LlavaConfig | LlavaNextConfig) -> Any:
    """A processor with our own small tokenizer: as many image tokens as the real one, other words."""
    own = train_tokenizer(vocabulary_lines(), 1024).backend_tokenizer
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=own, pad_token=PAD, bos_token=BOS, eos_token=EOS, extra_special_tokens={"image_token": IMAGE}
    )
    shape.image_token_id = tokenizer.convert_tokens_to_ids(IMAGE)
    side = shape.vision_config.image_size
    size = {"size": {"shortest_edge": side}, "crop_size": {"height": side, "width": side}}
    is_next = isinstance(shape, LlavaNextConfig)
    images = LlavaNextImageProcessor(**size) if is_next else CLIPImageProcessor(**size)
    kind = LlavaNextProcessor if is_next else LlavaProcessor
    patch = shape.vision_config.patch_size
    return kind(images, tokenizer, patch, "default", image_token=IMAGE, num_additional_image_tokens=1)
