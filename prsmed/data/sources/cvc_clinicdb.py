"""CVC-ClinicDB (Bernal et al. 2015): ``Original/1.tif`` and ``Ground Truth/1.tif``, 612 frames of 29 sequences."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator
from pathlib import Path

from prsmed.data.problems import Problems
from prsmed.data.record import Record
from prsmed.data.sources.layout import files, make_record, names, pair, relative
from prsmed.data.sources.source import Source

# First frame of each sequence; frame numbers run through, 25 frames a sequence at most but one.
_STARTS = (
    *(1, 26, 51, 68, 79, 104, 127, 152, 178, 200, 206, 228, 253, 278, 298),
    *(318, 343, 364, 384, 409, 429, 448, 467, 479, 504, 529, 547, 572, 592),
)
_FRAMES = 612
_MASKS = "Ground Truth"


def _is_here(folder: Path) -> bool:
    return _base(folder) is not None


def _base(folder: Path) -> Path | None:
    """Where the two folders are: here, or one deeper in the copy that holds the set as PNG and TIF."""
    return next((base for base in (folder, folder / "PNG", folder / "TIF") if _has_both(base)), None)


def _has_both(folder: Path) -> bool:
    return {"Original", _MASKS} <= set(names(folder))


def _read(root: Path, folder: Path, problems: Problems) -> Iterator[Record]:
    base = _base(folder) or folder
    images, masks = (files(base / name, root, problems) for name in ("Original", _MASKS))
    for image, own in pair(images, masks, root, problems):
        if image.stem.isdecimal() and 1 <= int(image.stem) <= _FRAMES:
            yield make_record(SOURCE, root, image, own, f"sequence{bisect(_STARTS, int(image.stem)):02d}")
        else:
            problems.add("unknown layout", relative(image, root), f"frames are numbered 1 to {_FRAMES}")


SOURCE = Source(
    name="cvc_clinicdb",
    title="CVC-ClinicDB",
    modality="polyp_endoscopy",
    target="polyp",
    licence="research only, with citation (Bernal et al. 2015)",
    obtain="polyp.grand-challenge.org/CVCClinicDB; also Kaggle: balraj98/cvcclinicdb",
    groups="the video sequence, 29 of them, by frame number",
    splits="none; PraNet's 550/62 mixes frames of a sequence",
    is_here=_is_here,
    read=_read,
)
