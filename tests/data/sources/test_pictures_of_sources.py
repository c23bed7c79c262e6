"""What a reader sees of the sets whose files need more than a picture decoder."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from miniature_files import mask, picture
from miniatures import MINIATURES

from prsmed.data.images import look
from prsmed.data.problems import Problems
from prsmed.data.record import Record
from prsmed.data.sources import SOURCES, read_all
from prsmed.errors import PRSMedError


def _records(name: str, root: Path) -> list[Record]:
    folder = root / MINIATURES[name].folder
    folder.mkdir()
    MINIATURES[name].write(folder)
    source = next(source for source in SOURCES if source.name == name)
    return list(source.read(root, folder, Problems()))


@pytest.mark.parametrize("name", sorted(set(MINIATURES) - {"busi_normal"}))
def test_every_record_can_be_looked_at(name: str, tmp_path: Path) -> None:
    for record in _records(name, tmp_path):
        shown = look(record, tmp_path)
        assert shown.pixels.dtype == np.uint8
        assert shown.mask.shape == shown.pixels.shape[:2]
        assert bool(shown.mask.any()) == (record.mask is not None)
        assert bool(shown.positions) == (record.mask is not None)


def test_all_masks_of_an_image_count(tmp_path: Path) -> None:
    several = next(record for record in _records("busi", tmp_path) if record.image.endswith("benign (1).png"))
    assert several.more_masks == ("set/benign/benign (1)_mask_1.png",)
    assert [position.zone for position in look(several, tmp_path).positions] == ["top left", "bottom right"]


def test_healthy_images_are_known(tmp_path: Path) -> None:
    for name, healthy in (
        ("busi", {"normal (3)"}),
        ("montgomery", {"MCUCXR_0001_0"}),
        ("shenzhen", {"CHNCXR_0001_0"}),
        ("covid_radiography", {"Normal-1"}),
        ("jsrt", {"JPCNN002"}),
        ("polypgen", set()),
    ):
        root = tmp_path / name
        root.mkdir()
        assert {Path(record.image).stem for record in _records(name, root) if record.is_healthy} == healthy


def test_matlab_columns_become_rows(tmp_path: Path) -> None:
    shown = look(_records("cheng_mri", tmp_path)[0], tmp_path)
    assert shown.mask[2:8, 20:30].all()
    assert shown.mask.sum() == 60
    # The numbers rise along the rows, so the last pixel of the first row is below the first of the second.
    assert shown.pixels[0, -1] <= shown.pixels[1, 0] < shown.pixels[-1, 0]


def test_matlab_files_name_the_package_they_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "1.mat").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(PRSMedError, match="h5py") as error:
        list(read_all(tmp_path, Problems()))
    assert error.value.code == "missing_package"


def test_dense_film_is_black(tmp_path: Path) -> None:
    record = _records("jsrt", tmp_path)[0]
    raw = np.full((2048, 2048), 4095, dtype=">u2")
    raw[:, 1024:] = 0
    raw.tofile(tmp_path / record.image)
    shown = look(record, tmp_path)
    assert shown.pixels[0, 0] == 0
    assert shown.pixels[0, -1] == 255
    # Drawn at 24 x 32, shown at 2048: 6 of 24 rows and 12 of 32 columns.
    assert shown.mask.mean() == pytest.approx(6 * 12 / (24 * 32), abs=0.005)


def test_a_mask_of_another_size_is_only_scaled_where_its_publisher_does_so(tmp_path: Path) -> None:
    assert look(_records("covid_radiography", tmp_path)[0], tmp_path).mask.shape == (30, 30)
    own = tmp_path / "own"
    picture(own / "images/1.png", size=(30, 30))
    mask(own / "masks/1.png", size=(20, 20))
    record = next(record for record in read_all(tmp_path, Problems(), ["image_folder"]))
    with pytest.raises(PRSMedError) as error:
        look(record, tmp_path)
    assert error.value.code == "mask_size"
