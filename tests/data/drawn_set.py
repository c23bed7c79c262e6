"""Pictures no two of which are alike, and files of them, for tests of duplicates, splits, audits and reviews."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from prsmed.data.record import Record

SHAPE = (192, 240)


def picture(seed: int) -> NDArray[np.uint8]:
    """``(192, 240, 3)``: clouds, coarse ones stronger than fine ones, as in nature; different as two patients are."""
    rng = np.random.default_rng(seed)
    total = np.zeros((*SHAPE, 3))
    for cells in (2, 4, 8, 16, 32):
        coarse = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
        total += np.asarray(coarse.resize(SHAPE[::-1], Image.Resampling.BICUBIC)) / cells
    return np.asarray(total * (220 / total.max()), dtype=np.uint8)


def again(
    pixels: NDArray[np.uint8], *, quality: int = 60, light: float = 1.1, cut: int = 1, scale: float = 0.9
) -> NDArray[np.uint8]:
    """The same picture as another site would publish it: cut, scaled, brightened, saved as another JPEG."""
    image = Image.fromarray(pixels[cut:, : pixels.shape[1] - cut])
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)
    image = image.point(lambda value: min(255, round(value * light)))
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def write(
    root: Path, name: str, pixels: NDArray[np.uint8], mask: NDArray[np.uint8] | None = None, **known: Any
) -> Record:
    """Save a picture, and a mask of 0 and 1 when there is one; ``known`` are fields of the record."""
    (root / "images").mkdir(parents=True, exist_ok=True)
    (root / "masks").mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(root / f"images/{name}.png")
    if mask is not None:
        Image.fromarray(mask * 255).save(root / f"masks/{name}.png")
    fields = {
        "modality": "polyp_endoscopy",
        "dataset": "drawn",
        "target": "polyp",
        "group": name,
        "split": "train",
        "licence": "CC0",
    }
    mask_path = None if mask is None else f"masks/{name}.png"
    return Record(image=f"images/{name}.png", mask=mask_path, **(fields | known))


def box(top: int, left: int, bottom: int, right: int) -> NDArray[np.uint8]:
    """A mask of one rectangle, bounds as in slices."""
    mask = np.zeros(SHAPE, dtype=np.uint8)
    mask[top:bottom, left:right] = 1
    return mask
