"""What the sources share: listing folders, pairing images with their masks, blocks of neighbours, making records."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from prsmed.data.problems import Problems
from prsmed.data.record import Record, Split
from prsmed.data.sources.source import Source

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".gif")
_NUMBER = re.compile(r"(\d+)")
Key = Callable[[str], str]


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key that puts ``2.png`` before ``10.png``."""
    parts = _NUMBER.split(name)
    return tuple((1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts if part)


def files(folder: Path, root: Path, problems: Problems, endings: tuple[str, ...] = PICTURES) -> list[Path]:
    """The folder's own files with one of these endings, in natural order; none when there is no such folder.

    Hidden files (as macOS leaves in archives) are passed over. A folder that cannot be listed is a problem.
    """
    try:
        found = [path for path in folder.iterdir() if path.name.lower().endswith(endings) and path.name[0] != "."]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError:
        problems.add("unreadable", relative(folder, root), "grant access to the folder")
        return []
    return sorted(found, key=lambda path: natural(path.name))


def names(folder: Path) -> list[str]:
    """Names in a folder, sorted; none when it cannot be listed. For :attr:`Source.is_here`, which must not fail."""
    try:
        return sorted(path.name for path in folder.iterdir() if path.name[0] != ".")
    except OSError:
        return []


def pair(
    images: Iterable[Path],
    masks: Iterable[Path],
    root: Path,
    problems: Problems,
    image_key: Key = str,
    mask_key: Key = str,
) -> Iterator[tuple[Path, list[Path]]]:
    """Bring images and masks together by their stems, every image with all its masks.

    What is left over goes to ``problems``.

    Args:
        images: In the order to give them.
        masks: In the order to give them.
        root: Data folder.
        problems: Where orphans, and masks that are their own image, are noted.
        image_key: Turns an image's stem into what pairs it.
        mask_key: Turns a mask's stem into what pairs it.
    """
    by_key: dict[str, list[Path]] = {}
    for mask in masks:
        by_key.setdefault(mask_key(mask.stem), []).append(mask)
    used: set[str] = set()
    for image in images:
        key = image_key(image.stem)
        own = by_key.get(key)
        used.add(key)
        if own is None:
            problems.add("image without mask", relative(image, root), "add its mask or remove the image")
        elif any(image.resolve() == mask.resolve() for mask in own):
            problems.add("mask is the image", relative(image, root), "give the image's own file")
        else:
            yield image, own
    for key in [key for key in by_key if key not in used]:
        for mask in by_key[key]:
            problems.add("mask without image", relative(mask, root), "add its image or remove the mask")


def block(stem: str, size: int) -> str:
    """Which block of ``size`` neighbouring numbers a name belongs to, by the last number in it.

    For sets that tell no patient: neighbours often are one. A patient over the edge of a block stays possible.
    """
    numbers = _NUMBER.findall(stem)
    return f"block{int(numbers[-1]) // size:04d}" if numbers else stem


def relative(path: Path, root: Path) -> str:
    """``path`` below the data folder with ``/`` between folders."""
    return path.relative_to(root).as_posix()


def named(name: str, folder: Path, root: Path) -> Path:
    """A file as a list in ``folder`` names it; backslashes are taken for ``/``.

    Raises:
        ValueError: It lies outside the data folder.
    """
    path = Path(os.path.normpath(folder / name.replace("\\", "/")))
    return root / path.relative_to(os.path.normpath(root))


def make_record(
    source: Source, root: Path, image: Path, masks: Sequence[Path], group: str, split: Split = "train", **changes: Any
) -> Record:
    """A record of ``source``: its modality, target and licence, unless ``changes`` say otherwise.

    Args:
        source: Where it comes from.
        root: Data folder.
        image: The image's file.
        masks: Its masks, none when it shows nothing of the target.
        group: Unique within the source; the source's name is put before it.
        split: As the owners say.
        changes: Other fields of :class:`~prsmed.data.record.Record`.
    """
    paths = [relative(mask, root) for mask in masks]
    fields: dict[str, Any] = {
        "modality": source.modality,
        "dataset": source.name,
        "target": source.target,
        "licence": source.licence,
        "more_masks": tuple(paths[1:]),
    }
    return Record(
        image=relative(image, root),
        mask=paths[0] if paths else None,
        group=f"{source.name}/{group}",
        split=split,
        **(fields | changes),
    )
