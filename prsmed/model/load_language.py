"""From the name of an imported language model to the model, on this machine."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForImageTextToText, AutoProcessor, PreTrainedModel

from prsmed.errors import PRSMedError
from prsmed.model.adapters import tune
from prsmed.model.config import PretrainedLanguageConfig
from prsmed.model.parts import find_part
from prsmed.model.pretrained import PretrainedLanguage


def load_language(config: PretrainedLanguageConfig, seg: bool) -> PretrainedLanguage:
    """The imported model that a configuration names, ready to be trained as it says.

    Raises:
        PRSMedError: ``part_not_found`` when it was not imported here; ``bad_part`` when its files cannot be used;
            ``no_quantization`` for ``bits`` that nothing installed here can do.
    """
    folder, _ = find_part(config.part, "language")
    vlm = _load(folder, config)
    language = PretrainedLanguage(config, vlm, _load_processor(folder), seg)
    tune(vlm, config)
    return language


def _load(folder: Path, config: PretrainedLanguageConfig) -> PreTrainedModel:
    quantized = {} if config.bits == 16 else {"quantization_config": _quantization(config.bits)}
    try:
        vlm: PreTrainedModel = AutoModelForImageTextToText.from_pretrained(
            folder, dtype="auto", local_files_only=True, trust_remote_code=False, **quantized
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise PRSMedError("bad_part", f"{folder.name} cannot be loaded: {error}; import it again") from error
    return vlm


def _load_processor(folder: Path) -> Any:
    try:
        return AutoProcessor.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, TypeError) as error:
        raise PRSMedError(
            "bad_part", f"the processor of {folder.name} cannot be loaded: {error}; import it again"
        ) from error


def _quantization(bits: int) -> Any:
    """By bitsandbytes; 8 bits by torchao too."""
    if find_spec("bitsandbytes"):
        from transformers import BitsAndBytesConfig

        if bits == 8:
            return BitsAndBytesConfig(load_in_8bit=True)
        return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
    if bits == 8 and find_spec("torchao"):
        from torchao.quantization import Int8WeightOnlyConfig
        from transformers import TorchAoConfig

        return TorchAoConfig(Int8WeightOnlyConfig())
    needed = "bitsandbytes or torchao" if bits == 8 else "bitsandbytes"
    raise PRSMedError("no_quantization", f"{bits} bits need {needed}; pip install it, or take 16 bits")
