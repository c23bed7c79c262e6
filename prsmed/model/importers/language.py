"""Any vision-language model in transformers' layout, conversions of the LLaVA family among them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor, PretrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

from prsmed.errors import PRSMedError
from prsmed.model.importers.llava_config import read_config
from prsmed.model.importers.raised import in_a_line
from prsmed.model.importers.reading import read_weights, weight_files
from prsmed.model.parts import Part, hash_files, new_part, write_part

UNKNOWN_LICENCE = "unknown: see the page of the model"
_SMALL = ("*.json", "*.jinja", "*.txt", "*.model")
_ORIGINAL = {"llava_mistral": "llava-med` or `prsmed import llava-1.6", "llava_llama": "llava-1.5"}
_LOCAL = {"local_files_only": True, "trust_remote_code": False}  # else it asks whether to run code of the folder
_Progress = Callable[[int, int], None] | None


def import_language(folder: Path, name: str, licence: str = UNKNOWN_LICENCE, progress: _Progress = None) -> Part:
    """Check a downloaded model whole and give it a name; its weights are linked, not copied.

    Args:
        folder: As downloaded. Keep it: the part points there.
        name: Name of the part.
        licence: Of the weights, kept beside the name.
        progress: Called with files done and files in all.

    Raises:
        PRSMedError: ``weights_not_found``, ``no_tokenizer`` or ``bad_weights`` naming file, key and what was expected.
            Nothing is left behind then, and a part of that name stays as it was.
    """
    config = _read_config(folder)
    files = weight_files(folder)
    _check_processor(folder)
    with new_part(name) as new:
        for pattern in _SMALL:
            for path in folder.glob(pattern):
                shutil.copyfile(path, new / path.name)
        for number, file in enumerate(files, start=1):
            _place(file, new)
            if progress is not None:
                progress(number, len(files))
        _check_weights(new)
        facts = {"model_type": config.model_type, "files": [file.name for file in files]}
        part = Part(name, "language", "language", hash_files([folder / "config.json", *files]), licence, facts)
        write_part(new, part)
    return part


def _read_config(folder: Path) -> PretrainedConfig:
    kind = str(read_config(folder).get("model_type"))
    if kind in _ORIGINAL:
        raise PRSMedError(
            "bad_weights", f"config.json is of {kind}, the authors' layout; use `prsmed import {_ORIGINAL[kind]}`"
        )
    if kind not in CONFIG_MAPPING:
        raise PRSMedError(
            "bad_weights",
            f"config.json has model_type {kind!r}, which transformers does not know; import another model",
        )
    try:
        config = AutoConfig.from_pretrained(folder, **_LOCAL)
    except Exception as error:  # every model checks its fields in its own way
        raise PRSMedError("bad_weights", f"config.json is not usable: {in_a_line(error)}; download it again") from error
    if type(config) not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING:
        raise PRSMedError("bad_weights", f"config.json is of {kind!r}, which does not answer questions about images")
    return config


def _check_processor(folder: Path) -> None:
    try:
        processor: Any = AutoProcessor.from_pretrained(folder, **_LOCAL)
    except Exception as error:  # whatever tokenizers and processors raise
        raise _no_tokenizer(folder, error) from error
    if not hasattr(processor, "tokenizer") or not hasattr(processor, "image_processor"):
        raise _no_tokenizer(folder, "no processor of text and images")


def _no_tokenizer(folder: Path, reason: object) -> PRSMedError:
    return PRSMedError(
        "no_tokenizer",
        f"{folder.name} has no usable tokenizer and processor: {in_a_line(reason)}; download the whole repository",
    )


def _place(file: Path, folder: Path) -> None:
    """Link a safetensors file; write a torch file anew as one."""
    if file.suffix == ".safetensors":
        (folder / file.name).symlink_to(file.resolve())
        return
    held = {key: tensor.clone().contiguous() for key, tensor in read_weights(file).items()}
    save_file(held, folder / _as_safetensors(file.name), metadata={"format": "pt"})
    index = folder / "pytorch_model.bin.index.json"
    if index.is_file():
        values = json.loads(index.read_text())
        values["weight_map"] = {key: _as_safetensors(name) for key, name in values["weight_map"].items()}
        (folder / "model.safetensors.index.json").write_text(json.dumps(values))


def _as_safetensors(name: str) -> str:
    return name.replace("pytorch_model", "model").replace(".bin", ".safetensors")


def _check_weights(folder: Path) -> None:
    """Load once, as it will be loaded, and hold every key against the model."""
    try:
        _, told = AutoModelForImageTextToText.from_pretrained(folder, dtype="auto", output_loading_info=True, **_LOCAL)
    except Exception as error:  # damaged files raise many things
        raise PRSMedError(
            "bad_weights", f"the weights cannot be loaded: {in_a_line(error)}; download them again"
        ) from error
    problems = {
        problem: sorted(str(key) for key in told.get(f"{problem}_keys", ()))
        for problem in ("missing", "unexpected", "mismatched")
    }
    if any(problems.values()):
        said = "; ".join(
            f"{len(keys)} {problem} keys: {', '.join(keys[:3])}" for problem, keys in problems.items() if keys
        )
        raise PRSMedError("bad_weights", f"the weights do not fit config.json: {said}")
