"""Tiny random vision-language models of every family, as parts: a folder transformers loads, with a processor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers as hf
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from prsmed.model.parts import Part, parts_home, write_part

LINES = ["where is the polyp in this image?", "the polyp is at the top left", "no", "USER: ASSISTANT:", "### User"]
_TEXT = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 1024,
}
_CLIP = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}
_LLAVA_CHAT = (
    "{% for message in messages %}{{ 'USER: ' if message.role == 'user' else 'ASSISTANT: ' }}"
    "{% for item in message.content %}{{ '<image>\n' if item.type == 'image' else item.text }}{% endfor %}"
    "{{ ' ' if message.role == 'user' else eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)


def _chatml(start: str, end: str, image: str, before: str = "") -> str:
    return (
        f"{before}{{% for message in messages %}}{{{{ '{start}' + message.role + '\n' }}}}"
        f"{{% for item in message.content %}}{{{{ '{image}' if item.type == 'image' else item.text }}}}{{% endfor %}}"
        f"{{{{ '{end}\n' }}}}{{% endfor %}}{{% if add_generation_prompt %}}{{{{ '{start}assistant\n' }}}}{{% endif %}}"
    )


def tokenizer(special: list[str], bos: str | None, eos: str, **more: Any) -> hf.PreTrainedTokenizerFast:
    """Byte-level BPE with a family's special tokens."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<pad>", *special],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(LINES, trainer)
    return hf.PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="<pad>",
        bos_token=bos,
        eos_token=eos,
        additional_special_tokens=special,
        **more,
    )


def _clip_images() -> hf.CLIPImageProcessor:
    size = {"shortest_edge": 28}
    return hf.CLIPImageProcessor(size=size, crop_size={"height": 28, "width": 28})


def llava() -> tuple[hf.PreTrainedModel, Any]:
    """LLaVA-1.5 and LLaVA-Med are of this family."""
    own = tokenizer(["<s>", "</s>", "<image>"], "<s>", "</s>", extra_special_tokens={"image_token": "<image>"})
    config = hf.LlavaConfig(
        vision_config=hf.CLIPVisionConfig(**_CLIP),
        text_config=hf.MistralConfig(vocab_size=len(own), **_TEXT),
        image_token_index=own.convert_tokens_to_ids("<image>"),
    )
    processor = hf.LlavaProcessor(
        _clip_images(), own, 14, "default", _LLAVA_CHAT, "<image>", num_additional_image_tokens=1
    )
    return hf.LlavaForConditionalGeneration(config), processor


def llava_next() -> tuple[hf.PreTrainedModel, Any]:
    """LLaVA-1.6."""
    own = tokenizer(["<s>", "</s>", "<image>"], "<s>", "</s>", extra_special_tokens={"image_token": "<image>"})
    grid = [[28, 56], [56, 28], [56, 56]]
    config = hf.LlavaNextConfig(
        vision_config=hf.CLIPVisionConfig(**_CLIP),
        text_config=hf.MistralConfig(vocab_size=len(own), **_TEXT),
        image_token_index=own.convert_tokens_to_ids("<image>"),
        image_grid_pinpoints=grid,
    )
    images = hf.LlavaNextImageProcessor(
        size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}, image_grid_pinpoints=grid
    )
    processor = hf.LlavaNextProcessor(images, own, 14, "default", _LLAVA_CHAT, "<image>", num_additional_image_tokens=1)
    return hf.LlavaNextForConditionalGeneration(config), processor


_QWEN_TOKENS = ["<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
_QWEN_CHAT = _chatml("<|im_start|>", "<|im_end|>", "<|vision_start|><|image_pad|><|vision_end|>")


def _qwen_ids(own: hf.PreTrainedTokenizerFast) -> dict[str, int]:
    names = {"vision_start_token_id": 3, "vision_end_token_id": 4, "image_token_id": 5, "video_token_id": 6}
    return {name: own.convert_tokens_to_ids(_QWEN_TOKENS[place - 1]) for name, place in names.items()}


def _qwen_processor(kind: Any, images: Any, video: Any, own: Any) -> Any:
    return kind(image_processor=images, tokenizer=own, video_processor=video, chat_template=_QWEN_CHAT)


def qwen25() -> tuple[hf.PreTrainedModel, Any]:
    """Qwen2.5-VL."""
    own = tokenizer(_QWEN_TOKENS, None, "<|im_end|>")
    text = {**_TEXT, "vocab_size": len(own), "rope_parameters": {"rope_type": "default", "mrope_section": [1, 1, 2]}}
    vision = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_heads": 2,
        "out_hidden_size": 32,
        "fullatt_block_indexes": [1],
    }
    config = hf.Qwen2_5_VLConfig(text_config=text, vision_config=vision, **_qwen_ids(own))
    images = hf.Qwen2VLImageProcessor(size={"shortest_edge": 28 * 28 * 4, "longest_edge": 28 * 28 * 4})
    processor = _qwen_processor(hf.Qwen2_5_VLProcessor, images, hf.Qwen2VLVideoProcessor(), own)
    return hf.Qwen2_5_VLForConditionalGeneration(config), processor


def qwen3() -> tuple[hf.PreTrainedModel, Any]:
    """Qwen3-VL."""
    own = tokenizer(_QWEN_TOKENS, None, "<|im_end|>")
    text = {
        **_TEXT,
        "head_dim": 8,
        "vocab_size": len(own),
        "rope_parameters": {"rope_type": "default", "mrope_section": [2, 1, 1], "mrope_interleaved": True},
    }
    vision = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_heads": 2,
        "out_hidden_size": 32,
        "num_position_embeddings": 16,
        "deepstack_visual_indexes": [0, 1],
    }
    config = hf.Qwen3VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=True, **_qwen_ids(own))
    images = hf.Qwen2VLImageProcessor(size={"shortest_edge": 32 * 32 * 4, "longest_edge": 32 * 32 * 4}, patch_size=16)
    processor = _qwen_processor(hf.Qwen3VLProcessor, images, hf.Qwen3VLVideoProcessor(), own)
    return hf.Qwen3VLForConditionalGeneration(config), processor


def gemma3() -> tuple[hf.PreTrainedModel, Any]:
    """MedGemma is of this family."""
    special = ["<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"]
    images_tokens = {
        "image_token": "<image_soft_token>",
        "boi_token": "<start_of_image>",
        "eoi_token": "<end_of_image>",
    }
    own = tokenizer([*special, *images_tokens.values()], "<bos>", "<eos>", extra_special_tokens=images_tokens)
    config = hf.Gemma3Config(
        text_config=hf.Gemma3TextConfig(
            vocab_size=len(own),
            head_dim=8,
            sliding_window=16,
            layer_types=["sliding_attention", "full_attention"],
            **_TEXT,
        ),
        vision_config=hf.SiglipVisionConfig(**{**_CLIP, "image_size": 56}),
        mm_tokens_per_image=4,
        image_token_index=own.convert_tokens_to_ids("<image_soft_token>"),
        boi_token_index=own.convert_tokens_to_ids("<start_of_image>"),
        eoi_token_index=own.convert_tokens_to_ids("<end_of_image>"),
    )
    images = hf.Gemma3ImageProcessor(size={"height": 56, "width": 56})
    template = _chatml("<start_of_turn>", "<end_of_turn>", "<start_of_image>", "{{ bos_token }}")
    processor = hf.Gemma3Processor(images, own, template, image_seq_length=4)
    return hf.Gemma3ForConditionalGeneration(config), processor


def smolvlm() -> tuple[hf.PreTrainedModel, Any]:
    """SmolVLM."""
    images_tokens = {
        "fake_image_token": "<fake_token_around_image>",
        "image_token": "<image>",
        "end_of_utterance_token": "<end_of_utterance>",
        "global_image_token": "<global-img>",
    }
    rows = [f"<row_{row}_col_{col}>" for row in range(1, 3) for col in range(1, 3)]
    special = ["<|im_start|>", "<|im_end|>", *images_tokens.values(), *rows]
    own = tokenizer(special, "<|im_start|>", "<|im_end|>", extra_special_tokens=images_tokens)
    config = hf.SmolVLMConfig(
        text_config=hf.LlamaConfig(vocab_size=len(own), **_TEXT),
        vision_config={**_CLIP, "image_size": 28, "model_type": "smolvlm_vision"},
        scale_factor=2,
        image_token_id=own.convert_tokens_to_ids("<image>"),
    )
    images = hf.SmolVLMImageProcessor(
        size={"longest_edge": 56}, max_image_size={"longest_edge": 28}, do_image_splitting=True
    )
    template = _chatml("<|im_start|>", "<end_of_utterance>", "<image>")
    processor = hf.SmolVLMProcessor(images, own, hf.SmolVLMVideoProcessor(), 1, template)
    return hf.SmolVLMForConditionalGeneration(config), processor


FAMILIES: dict[str, Callable[[], tuple[hf.PreTrainedModel, Any]]] = {
    "llava": llava,
    "llava_next": llava_next,
    "qwen25": qwen25,
    "qwen3": qwen3,
    "gemma3": gemma3,
    "smolvlm": smolvlm,
}


def make_part(family: str, name: str, seed: int = 0) -> Path:
    """Write a tiny model of a family as the part ``name``; always the same weights for a seed."""
    torch.manual_seed(seed)
    model, processor = FAMILIES[family]()
    folder = parts_home() / name
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    write_part(folder, Part(name, "language", "test", f"{family}-{seed}", "none"))
    return folder
