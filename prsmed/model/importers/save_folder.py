"""The folder in which the PRS-Med authors' code saves a model, read and accounted for key by key.

llm_seg_N/
  lora_adapter/   adapter_config.json, adapter_model.safetensors; at the paper's time the tokenizer too
  tokenizer/      later
  image_encoder.pth   TinySAM twice: as sam.image_encoder. with the rest of SAM beside it, and as image_encoder.
  mask_decoder.pth    the decoder, in one of two variants
  cls.pth             a classifier of modalities that no answer uses; may be missing
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from prsmed.errors import PRSMedError
from prsmed.model.adapters import PROJECTIONS
from prsmed.model.importers.reading import read_weights
from prsmed.model.importers.tiny_vit_keys import to_original, to_timm
from prsmed.model.parts import hash_files

ADAPTER, ADAPTER_CONFIG = "lora_adapter/adapter_model.safetensors", "lora_adapter/adapter_config.json"
ENCODER, DECODER, CLASSIFIER = "image_encoder.pth", "mask_decoder.pth", "cls.pth"
_SETTINGS = ("bias", "use_dora", "use_rslora", "modules_to_save", "alpha_pattern")  # none of them is loaded
_TOKENIZER_FILES = ("tokenizer.model", "tokenizer.json")

_THEIRS = re.compile(r"base_model\.model\.model\.layers\.(\d+\.self_attn\.[qkvo]_proj)\.lora_([AB])\.weight")
_OURS = re.compile(r"language\.vlm\.model\.language_model\.layers\.(.+)\.lora_([AB])\.default\.weight")
_TOWER = re.compile(r"base_model\.model\.model\.vision_tower\..*\.self_attn\.[qkv]_proj\.lora_[AB]\.weight")
_UNUSED = re.compile(r"(sam\.)?image_encoder\.(norm_)?head\.|sam\.(prompt_encoder|mask_decoder)\.")
_OWN, _TWIN = "image_encoder.", "sam.image_encoder."


@dataclass(frozen=True)
class SaveFolder:
    """A saved model.

    Attributes:
        weights: By file, under the names of our checkpoints.
        rest: What our model does not use, under its file and its name there (``cls.pth:2.bias``).
        adapter: The adapter's configuration as it stands.
        tokenizer: Folder of its tokenizer; ``None`` when there is none.
        sha256: Over its weight files and the adapter's configuration.
    """

    weights: dict[str, dict[str, Tensor]]
    rest: dict[str, Tensor]
    adapter: dict[str, Any]
    tokenizer: Path | None
    sha256: str

    @property
    def pre_norm(self) -> bool:
        """Whether the decoder is the later variant."""
        return "decoder.image_norm.weight" in self.weights[DECODER]


def read_save_folder(folder: Path) -> SaveFolder:
    """Read a folder ``llm_seg_N``.

    Raises:
        PRSMedError: ``weights_not_found``; ``bad_weights`` for a damaged file, code in it, keys that no such model has,
            twins that differ, a trained vision adapter, or an adapter of a kind the authors do not use.
    """
    adapter = _read_adapter_config(folder / ADAPTER_CONFIG)
    weights: dict[str, dict[str, Tensor]] = {}
    rest: dict[str, Tensor] = {}
    weights[ADAPTER] = _split_adapter(read_weights(folder / ADAPTER), rest)
    weights[ENCODER] = _split_encoder(read_weights(folder / ENCODER), rest)
    weights[DECODER] = {f"decoder.{key}": tensor for key, tensor in read_weights(folder / DECODER).items()}
    files = [ADAPTER_CONFIG, ADAPTER, ENCODER, DECODER]
    if (folder / CLASSIFIER).is_file():
        rest |= _read_classifier(folder / CLASSIFIER)
        files.append(CLASSIFIER)
    return SaveFolder(weights, rest, adapter, _find_tokenizer(folder), hash_files([folder / file for file in files]))


def adapter_key(key: str) -> str | None:
    """A key of the language model's adapter, as our checkpoints name it; ``None`` for any other."""
    found = _THEIRS.fullmatch(key)
    return found and f"language.vlm.model.language_model.layers.{found[1]}.lora_{found[2]}.default.weight"


def file_and_key(key: str) -> list[tuple[str, str]]:
    """Where a key of our checkpoints stands in a save folder: file and name, two for what is saved twice.

    Raises:
        PRSMedError: ``not_exportable`` for what such a folder has no place for.
    """
    found = _OURS.fullmatch(key)
    if found:
        return [(ADAPTER, f"base_model.model.model.layers.{found[1]}.lora_{found[2]}.weight")]
    part, _, name = key.partition(".")
    if part == "encoder":
        return [(ENCODER, beginning + to_original(name)) for beginning in (_OWN, _TWIN)]
    if part == "decoder":
        return [(DECODER, name)]
    raise PRSMedError("not_exportable", f"the authors' layout has no place for {key}; export a prs-med-reference model")


def _read_adapter_config(path: Path) -> dict[str, Any]:
    try:
        values: dict[str, Any] = json.loads(path.read_text())
        _check_adapter_config(values)
    except OSError as error:
        raise PRSMedError("weights_not_found", f"{path} cannot be read: {error}; give the folder llm_seg_N") from error
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, PRSMedError):
            raise
        raise _bad(ADAPTER_CONFIG, f"is no configuration of a LoRA adapter: {error!r}") from error
    return values


def _check_adapter_config(values: dict[str, Any]) -> None:
    targets, rank, alpha, dropout = (values[name] for name in ("target_modules", "r", "lora_alpha", "lora_dropout"))
    # A fraction would be cut off, and the adapter scaled by another number than in training.
    if not all(type(value) is int and value > 0 for value in (rank, alpha)):
        found = f"r is {rank!r}, lora_alpha {alpha!r}"
        raise _bad(ADAPTER_CONFIG, f"is no configuration of a LoRA adapter: {found}; they are whole numbers above 0")
    if not 0 <= dropout < 1:
        raise _bad(ADAPTER_CONFIG, f"has lora_dropout {dropout!r}; a number from 0 to below 1 was expected")
    if not isinstance(targets, list) or sorted(map(str, targets)) != sorted(PROJECTIONS):
        raise _bad(ADAPTER_CONFIG, f"adapts {targets!r}; {sorted(PROJECTIONS)} were expected")
    others = {name: values[name] for name in _SETTINGS if values.get(name) not in (None, False, "none", [], {})}
    if isinstance(values.get("init_lora_weights"), str):  # "pissa" and its like change the base's weights
        others["init_lora_weights"] = values["init_lora_weights"]
    if others:
        raise _bad(ADAPTER_CONFIG, f"has settings that are not loaded: {others}")


def _split_adapter(held: dict[str, Tensor], rest: dict[str, Tensor]) -> dict[str, Tensor]:
    """The language model's adapter; that of the vision tower, which no gradient reaches, must have learnt nothing."""
    own: dict[str, Tensor] = {}
    for key, tensor in held.items():
        ours = adapter_key(key)
        if ours:
            own[ours] = tensor
        elif not _TOWER.fullmatch(key):
            raise _bad(ADAPTER, f"holds {key!r}; adapters of self-attention were expected")
        elif "lora_B" in key and bool(tensor.any()):
            raise _bad(ADAPTER, f"has a trained adapter on the vision tower ({key}), which is not loaded")
        else:
            rest[f"{ADAPTER}:{key}"] = tensor
    for key in own:
        twin = key.replace(".lora_A.", ".lora_B.") if ".lora_A." in key else key.replace(".lora_B.", ".lora_A.")
        if twin not in own:
            raise _bad(ADAPTER, f"has {key} without {twin.rpartition('.lora_')[2][0]} beside it")
    return own


def _split_encoder(held: dict[str, Tensor], rest: dict[str, Tensor]) -> dict[str, Tensor]:
    own: dict[str, Tensor] = {}
    for key, tensor in held.items():
        if _UNUSED.match(key):
            rest[f"{ENCODER}:{key}"] = tensor
        elif key.startswith(_OWN):
            own[f"encoder.{to_timm(key[len(_OWN) :])}"] = tensor
            _check_twin(key, tensor, held)
        elif key.startswith(_TWIN) and key.removeprefix("sam.") not in held:
            raise _bad(
                ENCODER, f"has {key} without {key.removeprefix('sam.')} beside it; every such key is saved twice"
            )
        elif not key.startswith(_TWIN):
            raise _bad(ENCODER, f"holds {key!r}; keys beginning with {_OWN!r} or 'sam.' were expected")
    return own


def _check_twin(key: str, tensor: Tensor, held: dict[str, Tensor]) -> None:
    twin = held.get(f"sam.{key}")
    if twin is None:
        raise _bad(ENCODER, f"has {key} without sam.{key} beside it; every such key is saved twice")
    if not torch.equal(twin, tensor):
        raise _bad(ENCODER, f"has {key} and sam.{key} that are not the same; the folder was put together anew")


def _read_classifier(path: Path) -> dict[str, Tensor]:
    """One linear layer; any number of classes will do, since nothing of ours uses them."""
    held = read_weights(path)
    weight, bias = held.get("2.weight"), held.get("2.bias")
    fits = weight is not None and bias is not None and weight.ndim == 2 and weight.shape[:1] == bias.shape
    if not fits or len(held) != 2:
        found = {key: tuple(tensor.shape) for key, tensor in list(held.items())[:3]}
        raise _bad(CLASSIFIER, f"begins with {found}; only 2.weight (classes, channels) and 2.bias (classes) expected")
    return {f"{CLASSIFIER}:{key}": tensor for key, tensor in held.items()}


def _find_tokenizer(folder: Path) -> Path | None:
    places = (folder / "tokenizer", folder / "lora_adapter")
    return next((place for place in places if any((place / name).is_file() for name in _TOKENIZER_FILES)), None)


def _bad(file: str, what: str) -> PRSMedError:
    return PRSMedError("bad_weights", f"{file} {what}")
