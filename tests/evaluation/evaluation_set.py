"""A tiny model, a tiny image set and hand-made outcomes."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from prsmed.data import vocabulary_lines
from prsmed.evaluation.outcome import Outcome
from prsmed.evaluation.place import Place
from prsmed.model.build import build_model
from prsmed.model.checkpoint import save_checkpoint
from prsmed.model.presets import NANO
from prsmed.model.prsmed import PRSMed
from prsmed.model.tokenizer import train_tokenizer
from prsmed.model.unet import BaselineUNet, UNetConfig

KINDS = (("brain_mri", "brain tumour"), ("polyp_endoscopy", "polyp"), ("lung_xray", "lungs"))
COLUMNS = ("modality", "dataset", "target", "image", "mask", "split", "group", "licence_data")


def tiny_model(seed: int = 0) -> PRSMed:
    encoder = replace(
        NANO.encoder,
        embed_dims=(8, 8, 16, 16),
        depths=(1, 1, 1, 1),
        num_heads=(1,) * 4,
        window_sizes=(4,) * 4,
    )
    config = replace(
        NANO,
        image_size=64,
        encoder=replace(encoder, neck_dim=16),
        language=replace(
            NANO.language, vocab_size=400, hidden_size=32, intermediate_size=32, num_layers=1, num_heads=2
        ),
        decoder=replace(NANO.decoder, dim=16, num_heads=2, up_dims=(8, 8, 8)),
        max_answer_tokens=6,
    )
    torch.manual_seed(seed)
    return build_model(config, train_tokenizer(vocabulary_lines(), 400)).eval()


def tiny_unet() -> BaselineUNet:
    torch.manual_seed(0)
    return BaselineUNet(UNetConfig(image_size=64, channels=(4, 8, 8))).eval()


def write_checkpoint(folder: Path, model: PRSMed | BaselineUNet | None = None) -> Path:
    save_checkpoint(tiny_model() if model is None else model, folder, "tiny-1")
    return folder


def write_images(root: Path, per_kind: int = 6) -> Path:
    """Held-out pairs only: a bright rectangle on noise, its mask beside it."""
    rng = np.random.default_rng(0)
    rows = []
    for modality, target in KINDS:
        for number in range(per_kind):
            image, mask = f"{modality}/images/{number}.png", f"{modality}/masks/{number}.png"
            pixels = rng.integers(0, 120, (40, 56), dtype=np.uint8)
            true = np.zeros((40, 56), dtype=bool)
            top, left = int(rng.integers(0, 28)), int(rng.integers(0, 44))
            true[top : top + 10, left : left + 10] = True
            pixels[true] = 250
            for path, array in ((image, pixels), (mask, true)):
                (root / "pairs" / path).parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(array).save(root / "pairs" / path)
            rows.append((modality, "made", target, image, mask, "shared-val", f"g{number // 2}", "CC0"))
    with (root / "pairs/index.csv").open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return root


def outcome(**changes: object) -> Outcome:
    """A present target found in the right place by mask and text."""
    here = Place(("top left",), False)
    fields = {
        "id": "val-0",
        "modality": "brain_mri",
        "dataset": "made",
        "group": "g0",
        "question": "Where?",
        "true_answer": "There.",
        "present": True,
        "true_place": here,
        "dice": 0.5,
        "iou": 1 / 3,
        "mask_share": 0.1,
        "raw_share": 0.1,
        "mask_place": here,
        "presence": 0.9,
        "says_present": True,
        "text": "top left",
        "text_place": here,
        "text_denies": False,
        "agrees": True,
    }
    return Outcome(**(fields | changes))  # type: ignore[arg-type]


def absent(**changes: object) -> Outcome:
    """An absent target, rightly answered."""
    fields = {
        "present": False,
        "true_place": Place(),
        "dice": None,
        "iou": None,
        "mask_share": 0.0,
        "raw_share": 0.0,
        "mask_place": Place(),
        "presence": 0.1,
        "says_present": False,
        "text": "no",
        "text_place": Place(),
        "text_denies": True,
    }
    return outcome(**(fields | changes))
