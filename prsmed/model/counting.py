"""How large a preset is, part by part, counted without its weights."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from transformers import AutoModelForImageTextToText

from prsmed.model.adapters import is_adapter, tune
from prsmed.model.build import assemble, build_encoder, build_model
from prsmed.model.config import ModelConfig, PretrainedLanguageConfig
from prsmed.model.known import shape_of
from prsmed.model.presets import find_preset
from prsmed.model.pretrained import PretrainedLanguage
from prsmed.model.prsmed import PRSMed
from prsmed.model.tokenizer import SPECIAL, train_tokenizer

_NAMES = {
    "encoder": "image encoder",
    "decoder": "mask decoder",
    "presence": "presence head",
    "visual_tokens": "visual tokens",
    "mask_tokens": "mask tokens",
}
TOWER, WORDS, ADAPTERS, POINTER = "vision tower and projector", "language model", "adapters (LoRA)", "[SEG] token"


@dataclass(frozen=True)
class Count:
    """One part of a model.

    Attributes:
        name: Which.
        total: Parameters.
        trainable: Those that are trained.
        num_bytes: Memory of the weights.
        source: Name of the imported part whose weights it starts from, empty for fresh ones.
    """

    name: str
    total: int
    trainable: int
    num_bytes: int
    source: str = ""


def count_preset(name: str) -> list[Count]:
    """The parts of a preset, on the meta device: no weights are read, no memory is taken.

    Raises:
        PRSMedError: ``unknown_preset``; what :func:`~prsmed.model.known.shape_of` raises.
    """
    return count_parts(blank_model(find_preset(name)))


def blank_model(config: ModelConfig) -> PRSMed:
    """A model of shapes only, which cannot be asked."""
    with torch.device("meta"):
        if not isinstance(config.language, PretrainedLanguageConfig):
            # The vocabulary's size is the configuration's: what the tokenizer learnt does not count.
            return build_model(config, train_tokenizer(SPECIAL, config.language.vocab_size))
        vlm = AutoModelForImageTextToText.from_config(shape_of(config.language.part), dtype=torch.bfloat16)
        tune(vlm, config.language)
        language = PretrainedLanguage(config.language, vlm, None, config.condition_on == "seg")
        return assemble(config, None if config.encoder is None else build_encoder(config.encoder), language)


def count_parts(model: PRSMed) -> list[Count]:
    """The parts of a model, largest first."""
    counts: dict[str, Count] = {}
    spoken = (model.language.network.get_decoder(), model.language.network.get_output_embeddings())
    words = {id(parameter) for module in spoken for parameter in module.parameters()}
    for name, parameter in model.named_parameters():
        part = _part_of(name, id(parameter) in words)
        before = counts.get(part) or Count(part, 0, 0, 0, _source(part, model.config))
        size = parameter.numel()
        counts[part] = Count(
            part,
            before.total + size,
            before.trainable + size * parameter.requires_grad,
            before.num_bytes + size * parameter.element_size(),
            before.source,
        )
    return sorted(counts.values(), key=lambda count: -count.total)


def _part_of(name: str, is_of_words: bool) -> str:
    place = name.split(".")[0]
    if place != "language":
        return _NAMES[place]
    if is_adapter(name):
        return ADAPTERS
    if name.startswith("language.seg."):
        return POINTER
    return WORDS if is_of_words else TOWER


def _source(part: str, config: ModelConfig) -> str:
    """Name of the imported weights that a part starts from."""
    of = {_NAMES["encoder"]: config.encoder, _NAMES["decoder"]: config.decoder}
    return str(getattr(config.language if part in (WORDS, TOWER) else of.get(part), "part", ""))
