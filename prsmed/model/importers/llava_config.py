"""The configuration of a model of the LLaVA family, from its authors' ``config.json``."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from torch import Size
from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaNextConfig, MistralConfig

from prsmed.errors import PRSMedError

Family = Literal["llava-med", "llava-1.5", "llava-1.6"]
_TEXT = (
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "max_position_embeddings",
    "rms_norm_eps",
    "bos_token_id",
    "eos_token_id",
)
_ROWS = 64  # embeddings are filled up to a multiple of it
_HEAD = 64  # width of an attention head in every CLIP


def read_config(folder: Path) -> dict[str, Any]:
    """The authors' ``config.json``.

    Raises:
        PRSMedError: ``weights_not_found`` or ``bad_weights``.
    """
    path = folder / "config.json"
    try:
        values: dict[str, Any] = json.loads(path.read_text())
    except OSError as error:
        raise PRSMedError("weights_not_found", f"{path} cannot be read; give the folder of the whole model") from error
    except ValueError as error:
        raise PRSMedError("bad_weights", f"config.json is no JSON: {error}; download it again") from error
    if not isinstance(values, dict):
        raise PRSMedError("bad_weights", "config.json holds no configuration; download it again")
    return values


def check_family(values: Mapping[str, Any], family: Family) -> None:
    """Hold a configuration against the family it is to be of.

    Raises:
        PRSMedError: ``bad_weights`` naming the command for what it is.
    """
    kind = values.get("model_type")
    if "text_config" in values or kind in ("llava", "llava_next"):
        raise PRSMedError("bad_weights", "config.json is in transformers' layout; use `prsmed import language`")
    is_mistral, is_next = kind == "llava_mistral", values.get("image_aspect_ratio") == "anyres"
    known = kind in ("llava_mistral", "llava_llama")
    found = None if not known else "llava-1.6" if is_next else "llava-med" if is_mistral else "llava-1.5"
    if found is None:
        raise PRSMedError(
            "bad_weights", f"config.json has model_type {kind!r}; llava_mistral or llava_llama was expected"
        )
    if found != family:
        raise PRSMedError("bad_weights", f"config.json is that of {found}; use `prsmed import {found}`")


def to_transformers(values: Mapping[str, Any], vision: CLIPVisionConfig, dtype: str) -> LlavaConfig | LlavaNextConfig:
    """The same model for transformers; the token of an image is the first behind the vocabulary.

    Raises:
        PRSMedError: ``bad_weights`` when a field is missing, or a feature is chosen in a way the family does not know.
    """
    layer, feature = values.get("mm_vision_select_layer", -2), values.get("mm_vision_select_feature", "patch")
    if feature != "patch" or values.get("mm_projector_type", "mlp2x_gelu") != "mlp2x_gelu":
        raise PRSMedError(
            "bad_weights",
            f"config.json chooses {feature!r} by {values.get('mm_projector_type')!r}; 'patch' by "
            "'mlp2x_gelu' was expected",
        )
    try:
        text = {name: values[name] for name in _TEXT if name in values}
        vocabulary = int(values["vocab_size"])
        theta = float(values.get("rope_theta", 10000.0))
    except (KeyError, ValueError) as error:
        raise PRSMedError("bad_weights", f"config.json has no usable {error}; download it again") from error
    is_mistral = values["model_type"] == "llava_mistral"
    shape = (MistralConfig if is_mistral else LlamaConfig)(
        **text,
        **({"sliding_window": values.get("sliding_window")} if is_mistral else {}),
        vocab_size=_ROWS * math.ceil((vocabulary + 1) / _ROWS),
        rope_parameters={"rope_type": "default", "rope_theta": theta},
        tie_word_embeddings=False,
        pad_token_id=0,
    )
    common = {
        "vision_config": vision,
        "text_config": shape,
        "image_token_index": vocabulary,
        "vision_feature_layer": layer,
        "tie_word_embeddings": False,
        "dtype": dtype,
    }
    if values.get("image_aspect_ratio") == "anyres":
        return LlavaNextConfig(**common, image_grid_pinpoints=values["image_grid_pinpoints"])
    return LlavaConfig(**common)


def vision_of(tower: Mapping[str, Size]) -> CLIPVisionConfig:
    """The tower's configuration from the shapes of its weights, ``model.vision_tower.`` left out of their names.

    Raises:
        PRSMedError: ``bad_weights`` when they are not those of a CLIP.
    """
    try:
        rows, hidden = tower["embeddings.position_embedding.weight"]
        patch = tower["embeddings.patch_embedding.weight"][-1]
        inner = tower["encoder.layers.0.mlp.fc1.weight"][0]
    except KeyError as error:
        raise PRSMedError("bad_weights", f"the vision tower has no {error}; CLIP's ViT was expected") from error
    return CLIPVisionConfig(
        hidden_size=hidden,
        intermediate_size=inner,
        num_hidden_layers=1 + max(int(key.split(".")[2]) for key in tower if key.startswith("encoder.layers.")),
        num_attention_heads=max(1, hidden // _HEAD),
        image_size=math.isqrt(rows - 1) * patch,
        patch_size=patch,
    )
