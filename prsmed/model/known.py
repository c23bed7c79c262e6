"""What is known of the language models that presets name, without their weights: shape, origin and licence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from transformers import (
    AutoConfig,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaNextConfig,
    MistralConfig,
    PretrainedConfig,
    Qwen3VLConfig,
)

from prsmed.model.parts import find_part, has_part

FREE = "Apache-2.0"
_ROWS = 32064  # 32000 and the image token, filled up to a multiple of 64


@dataclass(frozen=True)
class Known:
    """A model of others: where it is published, under which licence, and how to import it."""

    origin: str
    licence: str
    terms: str
    """The licence in two words."""
    command: str
    architecture: Callable[[], PretrainedConfig] | None = None


def shape_of(part: str) -> PretrainedConfig:
    """The architecture of a language part: the imported one's, else what is known of it.

    Raises:
        PRSMedError: ``part_not_found`` for a part that is neither imported nor known.
    """
    known = KNOWN.get(part)
    if has_part(part) or known is None or known.architecture is None:
        return AutoConfig.from_pretrained(find_part(part, "language")[0], local_files_only=True)
    return known.architecture()


def _clip() -> CLIPVisionConfig:
    """openai/clip-vit-large-patch14-336, the tower of the whole LLaVA family."""
    return CLIPVisionConfig(
        hidden_size=1024,
        intermediate_size=4096,
        num_hidden_layers=24,
        num_attention_heads=16,
        image_size=336,
        patch_size=14,
    )


def _mistral() -> MistralConfig:
    """Mistral-7B-Instruct-v0.2."""
    return MistralConfig(
        vocab_size=_ROWS,
        hidden_size=4096,
        intermediate_size=14336,
        num_hidden_layers=32,
        num_attention_heads=32,
        num_key_value_heads=8,
        max_position_embeddings=32768,
        rms_norm_eps=1e-5,
        sliding_window=None,
    )


def _llava_med() -> LlavaConfig:
    return LlavaConfig(vision_config=_clip(), text_config=_mistral(), image_token_index=32000)


def _llava_15() -> LlavaConfig:
    vicuna = LlamaConfig(vocab_size=_ROWS, max_position_embeddings=4096, rms_norm_eps=1e-5)
    return LlavaConfig(vision_config=_clip(), text_config=vicuna, image_token_index=32000)


def _llava_16() -> LlavaNextConfig:
    return LlavaNextConfig(vision_config=_clip(), text_config=_mistral(), image_token_index=32000)


def _qwen3_vl_4b() -> Qwen3VLConfig:
    text = {
        "vocab_size": 151936,
        "hidden_size": 2560,
        "intermediate_size": 9728,
        "num_hidden_layers": 36,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "max_position_embeddings": 262144,
    }
    vision = {
        "depth": 24,
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_heads": 16,
        "out_hidden_size": 2560,
        "deepstack_visual_indexes": [5, 11, 17],
    }
    return Qwen3VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=True)


KNOWN = {
    "tinysam": Known("xinghaochen/TinySAM, tinysam_42.3.pth", FREE, FREE, "prsmed import tinysam tinysam_42.3.pth"),
    "medsam": Known("bowang-lab/MedSAM, medsam_vit_b.pth", FREE, FREE, "prsmed import medsam medsam_vit_b.pth"),
    "sam-med2d": Known("OpenGVLab/SAM-Med2D, sam-med2d_b.pth", FREE, FREE, "prsmed import sam-med2d sam-med2d_b.pth"),
    "llava-med": Known(
        "microsoft/llava-med-v1.5-mistral-7b",
        "Apache-2.0 by its page, Microsoft Research licence by its paper: research use only",
        "research only",
        "prsmed import llava-med FOLDER --vision CLIP_FOLDER",
        _llava_med,
    ),
    "llava-1.5": Known(
        "liuhaotian/llava-v1.5-7b",
        "Llama 2 Community Licence",
        "Llama 2",
        "prsmed import llava-1.5 FOLDER --vision CLIP_FOLDER",
        _llava_15,
    ),
    "llava-1.6": Known("liuhaotian/llava-v1.6-mistral-7b", FREE, FREE, "prsmed import llava-1.6 FOLDER", _llava_16),
    "qwen3-vl-4b": Known(
        "Qwen/Qwen3-VL-4B-Instruct",
        FREE,
        FREE,
        "prsmed import language FOLDER --name qwen3-vl-4b",
        _qwen3_vl_4b,
    ),
}
