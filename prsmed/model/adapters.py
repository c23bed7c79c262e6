"""What of an imported language model is trained: low-rank adapters, everything, or nothing."""

from __future__ import annotations

import re

import torch
from peft import LoraConfig, inject_adapter_in_model
from transformers import PreTrainedModel

from prsmed.errors import PRSMedError
from prsmed.model.config import PretrainedLanguageConfig

PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj")


def tune(vlm: PreTrainedModel, config: PretrainedLanguageConfig) -> None:
    """Add what is to be learnt and freeze the rest; the vision tower is frozen always.

    Adapters are put into the attention projections of the language model only (PRS-Med section 4): a tower's
    projections have the same names and would be adapted to nothing, no gradient reaching them. They are float32
    whatever the base is.

    Raises:
        PRSMedError: ``bad_model`` for a model whose language model has no such projections.
    """
    vlm.requires_grad_(False)
    decoder = vlm.get_decoder()
    if config.tuning == "full":
        decoder.requires_grad_(True)
        vlm.get_output_embeddings().requires_grad_(True)
    if config.tuning != "lora":
        return
    place = next(name for name, module in vlm.named_modules() if module is decoder)
    targets = rf"{re.escape(place)}\.layers\.\d+\.self_attn\.({'|'.join(PROJECTIONS)})"
    lora = LoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        bias="none",
        target_modules=targets,
    )
    try:
        inject_adapter_in_model(lora, vlm)
    except ValueError as error:
        raise PRSMedError(
            "bad_model", f"{config.part!r} has no attention projections {', '.join(PROJECTIONS)} to adapt: {error}"
        ) from error
    for name, parameter in vlm.named_parameters():
        if is_adapter(name):
            parameter.data = parameter.data.to(torch.float32)


def is_adapter(key: str) -> bool:
    """Whether a parameter's name is that of an adapter."""
    return ".lora_A." in key or ".lora_B." in key
