"""Any folder of pairs: ``images/`` and ``masks/`` with equal stems, or ``NAME.png`` beside ``NAME_mask.png``.

What the pictures are is said in an ``about.json`` beside them: ``{"modality": ..., "target": ..., "licence": ...}``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prsmed.data.problems import Problems
from prsmed.data.record import SPLITS, Record, Split
from prsmed.data.sources.layout import PICTURES, files, make_record, names, pair, relative
from prsmed.data.sources.source import Source

ABOUT = "about.json"
_ENDS = ("_mask", "_Mask", "_segmentation", "_Segmentation")
_FIELDS = ("modality", "target", "licence")


def mask_key(stem: str) -> str:
    """The stem of a mask's image: without ``_mask`` or ``_segmentation``."""
    return next((stem.removesuffix(end) for end in _ENDS if stem.endswith(end)), stem)


def _is_here(folder: Path) -> bool:
    return bool(_parts(folder)) or _is_flat(folder)


def _parts(folder: Path) -> list[tuple[Split, Path, Path]]:
    """Split, folder of images, folder of masks; more than one where the folder is split."""
    choices: list[tuple[Split, Path, Path]] = [("train", folder / "images", folder / "masks")]
    for split in SPLITS:
        choices.append((split, folder / f"{split}_images", folder / f"{split}_masks"))
        choices.append((split, folder / split / "images", folder / split / "masks"))
    return [choice for choice in choices if choice[1].is_dir() and choice[2].is_dir()]


def _is_flat(folder: Path) -> bool:
    stems = {Path(name).stem for name in names(folder) if name.lower().endswith(PICTURES)}
    return any(mask_key(stem) != stem and mask_key(stem) in stems for stem in stems)


def _read(root: Path, folder: Path, problems: Problems) -> Iterator[Record]:
    about = _about(root, folder, problems)
    for split, image_folder, mask_folder in _parts(folder):
        images, masks = (files(part, root, problems) for part in (image_folder, mask_folder))
        for image, own in pair(images, masks, root, problems, mask_key=mask_key):
            yield make_record(SOURCE, root, image, own, _group(folder, image), split, **about)
    if not _parts(folder):
        pictures = files(folder, root, problems)
        masks = [path for path in pictures if mask_key(path.stem) != path.stem]
        images = [path for path in pictures if mask_key(path.stem) == path.stem]
        for image, own in pair(images, masks, root, problems, mask_key=mask_key):
            yield make_record(SOURCE, root, image, own, _group(folder, image), **about)


def _group(folder: Path, image: Path) -> str:
    return f"{folder.name}/{image.stem}"


def _about(root: Path, folder: Path, problems: Problems) -> dict[str, Any]:
    try:
        told = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        return {field: told[field] for field in _FIELDS if isinstance(told.get(field), str) and told[field].strip()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError):
        problems.add("unreadable", relative(folder / ABOUT, root), f"write JSON with {', '.join(_FIELDS)}")
        return {}


SOURCE = Source(
    name="image_folder",
    title="Any folder of images and masks",
    modality="unknown",
    target="marked region",
    licence="unknown",
    obtain="images/ and masks/ with equal names, or NAME.png with NAME_mask.png; say what they are in about.json",
    groups="every image alone",
    splits="by folder: train_images, val/images, ...; else none",
    is_here=_is_here,
    read=_read,
)
