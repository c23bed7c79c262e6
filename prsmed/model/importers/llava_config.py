"""The configuration of a model of the LLaVA family, from its authors' ``config.json``."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from torch import Size
from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaNextConfig, MistralConfig

from prsmed.errors import PRSMedError
from prsmed.model.importers.raised import in_a_line

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
_SIDE = re.compile(r"-(\d+)$")  # of openai/clip-vit-large-patch14-336


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
        PRSMedError: ``bad_weights`` when a field is missing or not usable, or something is chosen in a way the family
            does not know.
    """
    feature = values.get("mm_vision_select_feature", "patch")
    if feature != "patch" or values.get("mm_projector_type", "mlp2x_gelu") != "mlp2x_gelu":
        raise PRSMedError(
            "bad_weights",
            f"config.json chooses {feature!r} by {values.get('mm_projector_type')!r}; 'patch' by "
            "'mlp2x_gelu' was expected",
        )
    if values.get("rope_scaling") is not None:
        raise PRSMedError(
            "bad_weights", f"config.json has rope_scaling {values['rope_scaling']!r}; only models without it are known"
        )
    try:
        return _build(values, vision, dtype)
    except Exception as error:  # transformers checks each field in its own way
        raise PRSMedError("bad_weights", f"config.json is not usable: {in_a_line(error)}; download it again") from error


def _build(values: Mapping[str, Any], vision: CLIPVisionConfig, dtype: str) -> LlavaConfig | LlavaNextConfig:
    vocabulary = int(values["vocab_size"])
    is_mistral = values["model_type"] == "llava_mistral"
    shape = (MistralConfig if is_mistral else LlamaConfig)(
        **{name: values[name] for name in _TEXT if name in values},
        **({"sliding_window": values.get("sliding_window")} if is_mistral else {}),
        vocab_size=_ROWS * math.ceil((vocabulary + 1) / _ROWS),
        rope_parameters={"rope_type": "default", "rope_theta": float(values.get("rope_theta", 10000.0))},
        tie_word_embeddings=False,
        pad_token_id=0,
    )
    common = {
        "vision_config": vision,
        "text_config": shape,
        "image_token_index": vocabulary,
        "vision_feature_layer": values.get("mm_vision_select_layer", -2),
        "tie_word_embeddings": False,
        "dtype": dtype,
    }
    if values.get("image_aspect_ratio") == "anyres":
        return LlavaNextConfig(**common, image_grid_pinpoints=values["image_grid_pinpoints"])
    return LlavaConfig(**common)


def stock_vision(folder: Path, values: Mapping[str, Any]) -> CLIPVisionConfig:
    """The configuration of a stock CLIP for the model whose ``config.json`` has ``values``.

    Raises:
        PRSMedError: ``weights_not_found``; ``bad_weights`` when it is not usable or sees images of another size.
    """
    own = read_config(folder)
    try:
        config = CLIPVisionConfig(**own.get("vision_config", own))
    except Exception as error:  # as in to_transformers
        raise PRSMedError(
            "bad_weights", f"config.json of {folder.name} is none of CLIP: {in_a_line(error)}; download it again"
        ) from error
    wanted = str(values.get("mm_vision_tower", ""))
    side = _SIDE.search(wanted)
    if side is not None and int(side[1]) != config.image_size:
        raise PRSMedError(
            "bad_weights",
            f"{folder.name} sees images of {config.image_size} pixels, the model is made for {side[1]}; give {wanted}",
        )
    return config


def vision_of(tower: Mapping[str, Size]) -> CLIPVisionConfig:
    """The tower's configuration from the shapes of its weights, ``model.vision_tower.`` left out of their names.

    Raises:
        PRSMedError: ``bad_weights`` when they are not those of a CLIP.
    """
    try:
        rows, hidden = tower["embeddings.position_embedding.weight"]
        patch = tower["embeddings.patch_embedding.weight"][-1]
        inner = tower["encoder.layers.0.mlp.fc1.weight"][0]
        layers = 1 + max(int(key.split(".")[2]) for key in tower if key.startswith("encoder.layers."))
    except (KeyError, ValueError, IndexError) as error:
        raise PRSMedError(
            "bad_weights", f"the vision tower is none of CLIP: {in_a_line(error)}; download the shards again"
        ) from error
    return CLIPVisionConfig(
        hidden_size=hidden,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=max(1, hidden // _HEAD),
        image_size=math.isqrt(rows - 1) * patch,
        patch_size=patch,
    )
