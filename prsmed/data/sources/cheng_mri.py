"""Brain tumours of Cheng (figshare 1512427): 3,064 slices as ``.mat`` files, and the export of them as PNG."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from prsmed.data.members import CHENG_IMAGE, CHENG_MASK, read_patient
from prsmed.data.problems import Problems
from prsmed.data.record import Record
from prsmed.data.sources.layout import block, files, make_record, names, natural, pair, relative
from prsmed.data.sources.source import Source
from prsmed.errors import PRSMedError

_LAST = 3064
_BLOCK = 50
_PARTS = "brainTumorDataPublic"  # the archive holds four parts of 766 slices


def _is_mat_here(folder: Path) -> bool:
    return any(_slices(part) for part in (folder, *_parts(folder)))


def _parts(folder: Path) -> list[Path]:
    return [folder / name for name in sorted(names(folder), key=natural) if name.startswith(_PARTS)]


def _slices(folder: Path) -> bool:
    return any(name.endswith(".mat") and name[:-4].isdecimal() for name in names(folder))


def _read_mat(root: Path, folder: Path, problems: Problems) -> Iterator[Record]:
    for part in (folder, *_parts(folder)):
        for path in files(part, root, problems, (".mat",)):
            if not path.stem.isdecimal():
                continue  # cvind.mat, the folds
            try:
                patient = read_patient(path)
            except PRSMedError as error:
                if error.code == "missing_package":
                    raise
                problems.add("unreadable", relative(path, root), "copy the file anew")
                continue
            # Image and mask lie in one file.
            image, mask = (Path(f"{path}#{member}") for member in (CHENG_IMAGE, CHENG_MASK))
            yield make_record(MAT, root, image, (mask,), patient, labels=(1,))


def _is_png_here(folder: Path) -> bool:
    # Numbers alone are no sign of this set; 3064 as the last of them is.
    return all(f"{number}.png" in names(folder / "images") for number in (1, _LAST)) and "masks" in names(folder)


def _read_png(root: Path, folder: Path, problems: Problems) -> Iterator[Record]:
    images, masks = (files(folder / name, root, problems) for name in ("images", "masks"))
    for image, own in pair(images, masks, root, problems):
        yield make_record(PNG, root, image, own, block(image.stem, _BLOCK))


MAT = Source(
    name="cheng_mri",
    title="Brain tumour dataset of Cheng, MATLAB files",
    modality="brain_mri",
    target="brain tumour",
    licence="CC BY 4.0",
    obtain="figshare 1512427 (four archives, unpack them side by side); needs the package h5py",
    groups="the patient, cjdata/PID: 233 of them",
    splits="none to train on; cvind.mat gives five folds by patient for cross-validation",
    is_here=_is_mat_here,
    read=_read_mat,
)
PNG = Source(
    name="cheng_mri_png",
    title="Brain tumour dataset of Cheng, exported as PNG",
    modality="brain_mri",
    target="brain tumour",
    licence="CC BY 4.0",
    obtain="Kaggle: nikhilroxtomar/brain-tumor-segmentation (images/1.png to 3064.png, masks/)",
    groups=f"patients are not told: blocks of {_BLOCK} neighbouring numbers; a patient can lie over a block's edge",
    splits="none; the PRS-Med split mixes slices of a patient",
    is_here=_is_png_here,
    read=_read_png,
)
