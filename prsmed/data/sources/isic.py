"""ISIC 2016 and 2018 lesion boundary segmentation, folders as the challenge archive names them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from prsmed.data.problems import Problems
from prsmed.data.record import Record, Split
from prsmed.data.sources.layout import files, make_record, pair
from prsmed.data.sources.source import Source

_Folders = tuple[tuple[Split, str, str], ...]
_FOLDERS_2016: _Folders = (
    ("train", "ISBI2016_ISIC_Part1_Training_Data", "ISBI2016_ISIC_Part1_Training_GroundTruth"),
    ("test", "ISBI2016_ISIC_Part1_Test_Data", "ISBI2016_ISIC_Part1_Test_GroundTruth"),
)
_FOLDERS_2018: _Folders = (
    ("train", "ISIC2018_Task1-2_Training_Input", "ISIC2018_Task1_Training_GroundTruth"),
    ("val", "ISIC2018_Task1-2_Validation_Input", "ISIC2018_Task1_Validation_GroundTruth"),
    ("test", "ISIC2018_Task1-2_Test_Input", "ISIC2018_Task1_Test_GroundTruth"),
)


def _is_here(folders: _Folders) -> Callable[[Path], bool]:
    return lambda folder: any((folder / images).is_dir() for _, images, _ in folders)


def _read(folders: _Folders, source: Callable[[], Source]) -> Callable[[Path, Path, Problems], Iterator[Record]]:
    def read(root: Path, folder: Path, problems: Problems) -> Iterator[Record]:
        for split, image_folder, mask_folder in folders:
            images, masks = (files(folder / name, root, problems) for name in (image_folder, mask_folder))
            # "_Segmentation" in 2016, "_segmentation" in 2018.
            for image, own in pair(images, masks, root, problems, mask_key=lambda stem: stem.rsplit("_", 1)[0]):
                yield make_record(source(), root, image, own, image.stem, split)

    return read


ISIC_2016: Source = Source(
    name="isic2016",
    title="ISIC 2016 task 1, skin lesion segmentation",
    modality="skin_dermoscopy",
    target="skin lesion",
    licence="CC0 1.0",
    obtain="challenge.isic-archive.com/data, 2016, task 1: training and test data with ground truth",
    groups="lesions and patients are not told: every image alone; a few near-duplicates lie in both official parts",
    splits="900 train, 379 test",
    is_here=_is_here(_FOLDERS_2016),
    read=_read(_FOLDERS_2016, lambda: ISIC_2016),
)
ISIC_2018: Source = Source(
    name="isic2018",
    title="ISIC 2018 task 1, lesion boundary segmentation",
    modality="skin_dermoscopy",
    target="skin lesion",
    licence="CC BY-NC 4.0",
    obtain="challenge.isic-archive.com/data, 2018, task 1: inputs and ground truth",
    groups="lesions and patients are not told: every image alone; holds images of ISIC 2016 and 2017",
    splits="2,594 train, 100 val, 1,000 test",
    is_here=_is_here(_FOLDERS_2018),
    read=_read(_FOLDERS_2018, lambda: ISIC_2018),
)
