"""Image encoders of others become parts: TinySAM, MedSAM, SAM-Med2D."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from prsmed.errors import PRSMedError
from prsmed.model.build import build_encoder
from prsmed.model.config import EncoderConfig, SamViTConfig, TinyViTConfig
from prsmed.model.encoder import ImageEncoder
from prsmed.model.importers.reading import check_fit, read_weights, weight_files
from prsmed.model.importers.sam_keys import encoder_key, original_key
from prsmed.model.importers.tiny_vit_keys import to_timm
from prsmed.model.parts import Part, find_part, hash_files, new_part, write_part

ENCODER, SAM = "encoder.safetensors", "sam.safetensors"
MEDSAM = SamViTConfig()
SAM_MED2D = SamViTConfig(image_size=256, adapters=True, normalization="imagenet")
_PREFIX, _HEADS = "image_encoder.", ("image_encoder.head.", "image_encoder.norm_head.")


@dataclass(frozen=True)
class _Layout:
    """How a family is known: a piece of a key it has, and which family another's piece belongs to."""

    source: str
    own: str
    rename: Callable[[str], str]


_TINYSAM = _Layout("tinysam", ".patch_embed.seq.", to_timm)
_LAYOUTS = (
    _TINYSAM,
    _Layout("sam-med2d", ".Adapter.", lambda key: encoder_key(key, has_adapters=True)),
    _Layout("medsam", ".blocks.0.attn.qkv.", lambda key: encoder_key(key, has_adapters=False)),
)


def import_tinysam(path: Path, name: str = "tinysam", config: TinyViTConfig | None = None) -> Part:
    """Import TinySAM's ``tinysam_42.3.pth``.

    Args:
        path: The file.
        name: Name of the part.
        config: Shape of its encoder, TinySAM's when ``None``.

    Raises:
        PRSMedError: ``weights_not_found``; ``bad_weights`` naming file, key and what was expected. Nothing is left
            behind then, and a part of that name stays as it was.
    """
    return _import([path], read_weights(path), "tinysam", name, config or TinyViTConfig())


def import_medsam(path: Path, name: str = "medsam", config: SamViTConfig = MEDSAM) -> Part:
    """Import MedSAM: ``medsam_vit_b.pth``, or a folder in transformers' layout; else as :func:`import_tinysam`."""
    if not path.is_dir():
        return _import([path], read_weights(path), "medsam", name, config)
    files = list(weight_files(path))
    held = {original_key(key): tensor for file in files for key, tensor in read_weights(file).items()}
    return _import(files, held, "medsam", name, config)


def import_sam_med2d(path: Path, name: str = "sam-med2d", config: SamViTConfig = SAM_MED2D) -> Part:
    """Import SAM-Med2D's ``sam-med2d_b.pth``, whose weights lie under ``model``; else as :func:`import_tinysam`."""
    return _import([path], read_weights(path, inside="model"), "sam-med2d", name, config)


def load_encoder_part(encoder: ImageEncoder, name: str) -> None:
    """Start an encoder from an imported part.

    Raises:
        PRSMedError: ``part_not_found``; ``bad_weights`` when the part is of another shape.
    """
    folder, _ = find_part(name, "encoder")
    weights = read_weights(folder / ENCODER)
    check_fit({key: tensor.shape for key, tensor in encoder.state_dict().items()}, weights, f"{name}/{ENCODER}")
    encoder.load_state_dict(weights)
    encoder.train(encoder.training)  # timm forgets the attention biases it kept from the weights before


def read_sam_weights(name: str) -> dict[str, Tensor]:
    """What else than the image encoder a part holds, under its original names.

    Raises:
        PRSMedError: ``part_not_found``.
    """
    folder, _ = find_part(name, "encoder")
    return read_weights(folder / SAM)


def _import(files: list[Path], held: dict[str, Tensor], source: str, name: str, config: EncoderConfig) -> Part:
    layout = _recognise(held, source, files[0].name)
    is_own = {key: key.startswith(_PREFIX) and not key.startswith(_HEADS) for key in held}
    own = {layout.rename(key[len(_PREFIX) :]): tensor for key, tensor in held.items() if is_own[key]}
    with torch.device("meta"):
        encoder = build_encoder(config)
    check_fit({key: tensor.shape for key, tensor in encoder.state_dict().items()}, own, files[0].name)
    part = Part(
        name,
        "encoder",
        source,
        hash_files(files),
        "Apache-2.0",
        {"file": files[0].name, "parameters": sum(parameter.numel() for parameter in encoder.parameters())},
    )
    with new_part(name) as folder:
        save_file({key: tensor.contiguous() for key, tensor in own.items()}, folder / ENCODER)
        rest = {key: tensor.clone().contiguous() for key, tensor in held.items() if not is_own[key]}
        save_file(rest, folder / SAM)
        write_part(folder, part)
    return part


def _recognise(held: dict[str, Tensor], source: str, file: str) -> _Layout:
    """The layout of a file, which must be that of ``source``."""
    found = next((layout for layout in _LAYOUTS if any(layout.own in key for key in held)), None)
    wanted = next(layout for layout in _LAYOUTS if layout.source == source)
    if found is wanted:
        return found
    if found is not None:
        raise PRSMedError("bad_weights", f"{file} holds {found.source}'s weights; use `prsmed import {found.source}`")
    raise PRSMedError(
        "bad_weights",
        f"{file} is not {source}'s: its first key is {next(iter(held))!r}, keys like '{_PREFIX}*{wanted.own}*' "
        "were expected",
    )
