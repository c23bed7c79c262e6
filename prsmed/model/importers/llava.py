"""The LLaVA family as its authors publish it, converted for transformers: LLaVA-Med 1.5, LLaVA 1.5, LLaVA 1.6."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Size, Tensor
from transformers import AutoModelForImageTextToText, CLIPVisionConfig

from prsmed.errors import PRSMedError
from prsmed.model.importers.llava_config import (
    Family,
    check_family,
    read_config,
    stock_vision,
    to_transformers,
    vision_of,
)
from prsmed.model.importers.llava_keys import GROWN, from_clip, from_llava, is_tower
from prsmed.model.importers.llava_words import write_words
from prsmed.model.importers.reading import check_fit, read_weights, weight_files
from prsmed.model.parts import Part, hash_files, new_part, write_part

_LICENCES: dict[Family, str] = {
    "llava-med": "Apache-2.0 by its page, Microsoft Research licence by its paper: research use only",
    "llava-1.5": "Llama 2 Community Licence",
    "llava-1.6": "Apache-2.0",
}
_Progress = Callable[[int, int], None] | None


def import_llava(
    folder: Path, family: Family, *, name: str | None = None, vision: Path | None = None, progress: _Progress = None
) -> Part:
    """Convert a downloaded model, a shard at a time.

    Args:
        folder: The repository as published.
        family: Which it must be.
        name: Name of the part; the family's when ``None``.
        vision: Folder of the stock CLIP to take the vision tower from; the shards' own when ``None``. The authors of
            LLaVA-Med and PRS-Med run with the stock one.
        progress: Called with files done and files in all.

    Raises:
        PRSMedError: ``weights_not_found``, ``bad_weights`` or ``no_tokenizer`` naming file, key and what was expected.
            Nothing is left behind then, and a part of that name stays as it was.
    """
    values = read_config(folder)
    check_family(values, family)
    files, tower = weight_files(folder), () if vision is None else weight_files(vision)
    sources = [(file, _own(vision is not None)) for file in files] + [(file, from_clip) for file in tower]
    shapes, dtype = _survey(sources)
    config = to_transformers(values, _vision_config(shapes, vision, values), str(dtype).removeprefix("torch."))
    with torch.device("meta"):
        expected = {
            key: tensor.shape for key, tensor in AutoModelForImageTextToText.from_config(config).state_dict().items()
        }
    rows = config.image_token_id
    grown = {key: Size((rows, *shape[1:])) if key in GROWN else shape for key, shape in expected.items()}
    check_fit(grown, shapes, folder.name)
    part = Part(
        name or family,
        "language",
        family,
        hash_files([folder / "config.json", *files, *tower]),
        _LICENCES[family],
        {"vision_weights": "checkpoint" if vision is None else "openai", "files": [file.name for file in files]},
    )
    with new_part(part.name) as new:
        write_words(folder, new, config, family)
        config.save_pretrained(new)
        _convert(sources, new, expected, progress)
        write_part(new, part)
    return part


def _own(is_without_tower: bool) -> Callable[[str], str | None]:
    """How keys of the shards are renamed, their tower left out or not."""

    def rename(key: str) -> str | None:
        new = from_llava(key)
        return None if new is None or (is_without_tower and is_tower(new)) else new

    return rename


def _survey(sources: list[tuple[Path, Callable[[str], str | None]]]) -> tuple[dict[str, Size], torch.dtype]:
    """Shapes of all weights under their new names, and the type of the last of them."""
    shapes: dict[str, Size] = {}
    dtype = torch.bfloat16
    for file, rename in sources:
        for key, tensor in _renamed(file, rename):
            if key in shapes:
                raise PRSMedError("bad_weights", f"{file.name} holds {key} a second time")
            shapes[key] = tensor.shape
            dtype = dtype if is_tower(key) else tensor.dtype
    return shapes, dtype


def _renamed(file: Path, rename: Callable[[str], str | None]) -> Iterator[tuple[str, Tensor]]:
    for key, tensor in read_weights(file).items():
        new = rename(key)
        if new is not None:
            yield new, tensor


def _vision_config(shapes: Mapping[str, Size], vision: Path | None, values: Mapping[str, Any]) -> CLIPVisionConfig:
    beginning = "model.vision_tower."
    tower = {key[len(beginning) :]: shape for key, shape in shapes.items() if is_tower(key)}
    if not tower:
        raise PRSMedError(
            "bad_weights",
            "the shards hold no vision tower; name the folder of openai/clip-vit-large-patch14-336 with --vision",
        )
    return vision_of(tower) if vision is None else stock_vision(vision, values)


def _convert(
    sources: list[tuple[Path, Callable[[str], str | None]]],
    folder: Path,
    expected: Mapping[str, Size],
    progress: _Progress,
) -> None:
    """One shard out for one in, so that no more than one is in memory."""
    weight_map: dict[str, str] = {}
    total = 0
    for number, (file, rename) in enumerate(sources, start=1):
        shard = {key: _grow(key, tensor, expected[key]).contiguous() for key, tensor in _renamed(file, rename)}
        if shard:
            name = f"model-{number:05}-of-{len(sources):05}.safetensors"
            save_file(shard, folder / name, metadata={"format": "pt"})
            weight_map |= dict.fromkeys(shard, name)
            total += sum(tensor.numel() * tensor.element_size() for tensor in shard.values())
        if progress is not None:
            progress(number, len(sources))
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")


def _grow(key: str, tensor: Tensor, shape: Size) -> Tensor:
    """Rows for the image token and what fills up: the mean of the others. No answer can hold them (``unspoken``)."""
    if key not in GROWN:
        return tensor
    mean = tensor.float().mean(dim=0, keepdim=True).to(tensor.dtype)
    return torch.cat([tensor, mean.expand(shape[0] - tensor.shape[0], -1)])
