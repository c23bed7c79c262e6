"""Tiny random models of the LLaVA family in their authors' own layout."""

from __future__ import annotations

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import sentencepiece
import torch
from safetensors.torch import save_file
from torch import Tensor

LINES = [
    "### User: where is the tumour in this slice? ### Assistant: the tumour is at the top left, 12 mm",
    "USER: is there a polyp? ASSISTANT: there is none </s> [INST] [/INST]",
]
TOWER = "model.vision_tower.vision_tower.vision_model."
TEXT: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "rms_norm_eps": 1e-5,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
VISION = {"hidden": 128, "inner": 40, "layers": 3, "side": 28, "patch": 14}  # CLIP's heads are 64 wide: two


@cache
def words() -> bytes:
    """A SentencePiece model made as Llama's is: bytes for what it does not know, digits apart, blanks kept."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES * 20),
        model_writer=model,
        vocab_size=340,
        model_type="bpe",
        byte_fallback=True,
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=-1,
        remove_extra_whitespaces=False,
        normalization_rule_name="identity",
        split_digits=True,
        allow_whitespace_only_pieces=True,
        minloglevel=2,
    )
    return model.getvalue()


def vocabulary() -> int:
    return int(sentencepiece.SentencePieceProcessor(model_proto=words()).vocab_size())


def settings(family: str) -> dict[str, Any]:
    """Their ``config.json``, with some of the junk that stands in it."""
    values = {
        **TEXT,
        "model_type": "llava_llama" if family == "llava-1.5" else "llava_mistral",
        "vocab_size": vocabulary(),
        "rope_theta": 10000.0 if family == "llava-1.5" else 1000000.0,
        "mm_projector_type": "mlp2x_gelu",
        "mm_vision_select_layer": -2,
        "mm_vision_select_feature": "patch",
        "mm_hidden_size": VISION["hidden"],
        "image_aspect_ratio": "anyres" if family == "llava-1.6" else "pad",
        "feature_outs": "encoder+decoder",
        "img_size": 640,
    }
    if family == "llava-1.6":
        values["image_grid_pinpoints"] = [[28, 56], [56, 28], [56, 56]]
    return values


def language_weights(family: str) -> dict[str, Tensor]:
    width, inner, rows = TEXT["hidden_size"], TEXT["intermediate_size"], vocabulary()
    keys = width * TEXT["num_key_value_heads"] // TEXT["num_attention_heads"]
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (rows, width),
        "model.norm.weight": (width,),
        "lm_head.weight": (rows, width),
        "model.mm_projector.0.weight": (width, VISION["hidden"]),
        "model.mm_projector.0.bias": (width,),
        "model.mm_projector.2.weight": (width, width),
        "model.mm_projector.2.bias": (width,),
    }
    for layer in range(TEXT["num_hidden_layers"]):
        name = f"model.layers.{layer}"
        shapes |= {f"{name}.self_attn.{part}_proj.weight": (width, width) for part in "qo"}
        shapes |= {f"{name}.self_attn.{part}_proj.weight": (keys, width) for part in "kv"}
        shapes |= {f"{name}.mlp.{part}_proj.weight": (inner, width) for part in ("gate", "up")}
        shapes[f"{name}.mlp.down_proj.weight"] = (width, inner)
        shapes |= {f"{name}.{norm}.weight": (width,) for norm in ("input_layernorm", "post_attention_layernorm")}
    if family == "llava-1.6":
        shapes["model.image_newline"] = (width,)
    return _random(shapes)


def tower_weights(seed: int = 1) -> dict[str, Tensor]:
    """CLIP's ViT, with a beginning of ``vision_model.``."""
    hidden, inner, patch = VISION["hidden"], VISION["inner"], VISION["patch"]
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.class_embedding": (hidden,),
        "embeddings.patch_embedding.weight": (hidden, 3, patch, patch),
        "embeddings.position_embedding.weight": (1 + (VISION["side"] // patch) ** 2, hidden),
    }
    for norm in ("pre_layrnorm", "post_layernorm"):
        shapes |= {f"{norm}.{of}": (hidden,) for of in ("weight", "bias")}
    for layer in range(VISION["layers"]):
        name = f"encoder.layers.{layer}"
        for part in ("q", "k", "v", "out"):
            shapes |= {
                f"{name}.self_attn.{part}_proj.weight": (hidden, hidden),
                f"{name}.self_attn.{part}_proj.bias": (hidden,),
            }
        shapes |= {
            f"{name}.{norm}.{of}": (hidden,) for norm in ("layer_norm1", "layer_norm2") for of in ("weight", "bias")
        }
        shapes |= {f"{name}.mlp.fc1.weight": (inner, hidden), f"{name}.mlp.fc1.bias": (inner,)}
        shapes |= {f"{name}.mlp.fc2.weight": (hidden, inner), f"{name}.mlp.fc2.bias": (hidden,)}
    return {f"vision_model.{key}": tensor for key, tensor in _random(shapes, seed).items()}


def write_llava(folder: Path, family: str, *, tower: bool = True, pickled: bool = False) -> dict[str, Tensor]:
    """Write a repository of two shards; returns its weights under their names."""
    folder.mkdir(parents=True)
    weights = language_weights(family)
    if tower:
        weights |= {TOWER + key.removeprefix("vision_model."): tensor for key, tensor in tower_weights().items()}
    (folder / "config.json").write_text(json.dumps(settings(family)))
    (folder / "tokenizer.model").write_bytes(words())
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "LlamaTokenizer"}))
    write_shards(folder, weights, pickled)
    return weights


def write_shards(folder: Path, weights: dict[str, Tensor], pickled: bool = False) -> None:
    keys = sorted(weights)
    ending = "bin" if pickled else "safetensors"
    beginning = "pytorch_model" if pickled else "model"
    where: dict[str, str] = {}
    for number, part in enumerate((keys[::2], keys[1::2]), start=1):
        name = f"{beginning}-{number:05}-of-00002.{ending}"
        held = {key: weights[key] for key in part}
        where |= dict.fromkeys(part, name)
        if pickled:
            torch.save({**held, f"model.layers.{number}.self_attn.rotary_emb.inv_freq": torch.ones(4)}, folder / name)
        else:
            save_file(held, folder / name)
    index = f"{beginning}.{ending}.index.json"
    (folder / index).write_text(json.dumps({"metadata": {}, "weight_map": where}))


def write_clip(folder: Path, seed: int = 2, **config: Any) -> dict[str, Tensor]:
    """A folder of stock CLIP, its text side among it."""
    folder.mkdir()
    weights = tower_weights(seed)
    save_file(
        {**weights, "text_model.final_layer_norm.bias": torch.zeros(3), "logit_scale": torch.ones(1)},
        folder / "model.safetensors",
    )
    vision = {
        "hidden_size": VISION["hidden"],
        "intermediate_size": VISION["inner"],
        "num_hidden_layers": VISION["layers"],
        "num_attention_heads": 2,
        "image_size": VISION["side"],
        "patch_size": VISION["patch"],
        **config,
    }
    (folder / "config.json").write_text(json.dumps({"model_type": "clip", "vision_config": vision}))
    return weights


def _random(shapes: dict[str, tuple[int, ...]], seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        key: (1.0 if key.endswith("norm.weight") else 0.0) + 0.2 * torch.randn(shape, generator=generator)
        for key, shape in shapes.items()
    }
