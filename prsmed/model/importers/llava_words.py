"""Tokenizer, processor and conversation of the LLaVA family, for transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tokenizers import normalizers, processors
from transformers import (
    CLIPImageProcessor,
    GenerationConfig,
    LlamaTokenizer,
    LlavaConfig,
    LlavaNextConfig,
    LlavaNextImageProcessor,
    LlavaNextProcessor,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

from prsmed.errors import PRSMedError
from prsmed.model.importers.llava_config import Family

IMAGE, _START = "<image>", "<s>"
_ITEMS = (
    "{%- macro say(message) -%}{%- if message.content is string -%}{{ message.content }}{%- else -%}"
    "{%- for item in message.content -%}{{ '<image>\\n' if item.type == 'image' else item.text }}{%- endfor -%}"
    "{%- endif -%}{%- endmacro -%}"
)
_MISTRAL = _ITEMS + (
    "{%- for message in messages -%}{%- if message.role == 'user' -%}{{ '[INST] ' + say(message) + ' [/INST]' }}"
    "{%- else -%}{{ ' ' + say(message) + '</s>' }}{%- endif -%}{%- endfor -%}"
)
_VICUNA = _ITEMS + (
    "{%- for message in messages -%}{%- if message.role == 'user' -%}{{ 'USER: ' + say(message) + ' ASSISTANT:' }}"
    "{%- else -%}{{ ' ' + say(message) + '</s>' }}{%- endif -%}{%- endfor -%}"
)


def write_words(source: Path, folder: Path, config: LlavaConfig | LlavaNextConfig, family: Family) -> None:
    """Write tokenizer, processor and generation settings beside converted weights.

    Raises:
        PRSMedError: ``no_tokenizer``; ``bad_weights`` when it is of another vocabulary than the model.
    """
    tokenizer = read_tokenizer(source, config.image_token_id)
    side, patch = config.vision_config.image_size, config.vision_config.patch_size
    size: dict[str, Any] = {"size": {"shortest_edge": side}, "crop_size": {"height": side, "width": side}}
    template = _VICUNA if family == "llava-1.5" else _MISTRAL
    more = {"image_token": IMAGE, "chat_template": template, "num_additional_image_tokens": 1}
    if isinstance(config, LlavaNextConfig):
        images = LlavaNextImageProcessor(**size, image_grid_pinpoints=config.image_grid_pinpoints)
        processor = LlavaNextProcessor(images, tokenizer, patch, "default", **more)
    else:
        processor = LlavaProcessor(CLIPImageProcessor(**size), tokenizer, patch, "default", **more)
    processor.save_pretrained(folder)
    ids = {name: getattr(tokenizer, f"{name}_id") for name in ("bos_token", "eos_token", "pad_token")}
    GenerationConfig(**{f"{name}_id": value for name, value in ids.items()}).save_pretrained(folder)


def read_tokenizer(source: Path, image_token_id: int) -> PreTrainedTokenizerFast:
    """The model's SentencePiece tokenizer, a piece of text at a time exactly as SentencePiece itself, and ``<image>``.

    The family was taught with the text around an image tokenised in pieces, each with SentencePiece's blank before it;
    the tokenizers library leaves that blank out of a piece which begins with one.
    """
    if not (source / "tokenizer.model").is_file():
        raise PRSMedError("no_tokenizer", f"{source.name} has no tokenizer.model; download it from the same repository")
    try:
        read = LlamaTokenizer.from_pretrained(source, local_files_only=True)
    except Exception as error:  # SentencePiece and tokenizers raise what they like
        raise PRSMedError("bad_weights", f"tokenizer.model cannot be read: {error}; download it again") from error
    backend = read.backend_tokenizer
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    backend.pre_tokenizer = None
    backend.post_processor = processors.TemplateProcessing(
        single=f"{_START} $A", special_tokens=[(_START, backend.token_to_id(_START))]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token=_START,
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<unk>",  # as LLaVA-Med pads
        extra_special_tokens={"image_token": IMAGE},
        padding_side="right",
    )
    if tokenizer.convert_tokens_to_ids(IMAGE) != image_token_id:
        raise PRSMedError(
            "bad_weights",
            f"tokenizer.model has {len(tokenizer) - 1} tokens, config.json says {image_token_id}: of two models",
        )
    return tokenizer
