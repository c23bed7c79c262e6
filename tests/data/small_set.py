"""A tiny image set on disk, in the layout of the real one."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from prsmed.data import Record

COLUMNS = ("modality", "dataset", "target", "image", "mask", "split", "group", "licence_data")
KINDS = (
    ("brain_mri", "figshare_cheng", "brain tumour"),
    ("polyp_endoscopy", "polypgen", "polyp"),
    ("lung_ct", "lidc_crops", "lung nodule"),
    ("skin_dermoscopy", "isic_orig200", "skin lesion"),
    ("lung_xray", "montgomery", "lungs"),
)
SHAPE = (48, 64)


def write_set(root: Path, per_kind: int = 10, normals: int = 20) -> Path:
    """Write ``per_kind`` pairs of each kind (a fifth of them held out) and ``normals`` lesion-free images."""
    rng = np.random.default_rng(0)
    rows = []
    for modality, dataset, target in KINDS:
        for number in range(per_kind):
            name = f"case{number:03d}_{number % 2}"
            image, mask = f"{modality}/{dataset}/images/{name}.jpg", f"{modality}/{dataset}/masks/{name}.png"
            split = "shared-val" if number % 5 == 4 else "shared-train"
            write_pair(root / "pairs" / image, root / "pairs" / mask, rng)
            rows.append((modality, dataset, target, image, mask, split, f"g{number}", "CC0"))
    write_index(root, rows)
    for number in range(1, normals + 1):
        path = root / f"negatives/breast_ultrasound/busi_normal/normal_{number:03d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, SHAPE, dtype=np.uint8)).save(path)
    return root


def write_index(root: Path, rows: list[tuple[str, ...]]) -> None:
    (root / "pairs").mkdir(parents=True, exist_ok=True)
    with (root / "pairs/index.csv").open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])


def write_pair(image: Path, mask: Path, rng: np.random.Generator) -> None:
    for path in (image, mask):
        path.parent.mkdir(parents=True, exist_ok=True)
    pixels = rng.integers(60, 200, SHAPE, dtype=np.uint8)
    target = np.zeros(SHAPE, dtype=bool)
    top, left = int(rng.integers(0, 36)), int(rng.integers(0, 50))
    target[top : top + 10, left : left + 12] = True
    pixels[target] = 255
    Image.fromarray(pixels).save(image, quality=95)
    Image.fromarray(target).save(mask)


def record(modality: str = "brain_mri", target: str = "brain tumour", **changes: object) -> Record:
    """A record that needs no file."""
    fields = {
        "image": "a.jpg",
        "mask": "b.png",
        "modality": modality,
        "dataset": "set",
        "target": target,
        "group": "g",
        "split": "train",
        "licence": "CC0",
    }
    return Record(**(fields | changes))  # type: ignore[arg-type]
