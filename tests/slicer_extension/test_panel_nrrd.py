"""NRRD in memory: what SimpleITK, prsmed and the panel write and read is the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from panel_paths import MODULE

from prsmed.imaging import Volume, read_volume, write_labelmap
from PRSMedLib.nrrd import Image, decode, encode
from PRSMedLib.problem import Problem

MATRIX = np.array([[0.8, -0.6, 0, 5.5], [0.6, 0.8, 0, -7.25], [0, 0, 3, 11], [0, 0, 0, 1.0]])


@pytest.mark.parametrize("kind", ["u1", "i1", "i2", "u2", "i4", "u4", "f4", "f8"])
def test_what_the_panel_writes_the_server_reads(tmp_path: Path, kind: str) -> None:
    voxels = np.arange(2 * 3 * 4).reshape(2, 3, 4).astype(kind)
    file = tmp_path / "image.nrrd"
    file.write_bytes(encode(Image(voxels, MATRIX)))
    volume = read_volume(file)
    np.testing.assert_array_equal(volume.voxels, voxels.transpose(2, 1, 0))
    np.testing.assert_allclose(volume.affine, MATRIX, atol=1e-12)
    assert volume.has_patient_space
    back = decode(file.read_bytes())
    np.testing.assert_array_equal(back.voxels, voxels)
    np.testing.assert_allclose(back.ijkToRas, MATRIX)


def test_what_the_server_writes_the_panel_reads(tmp_path: Path) -> None:
    mask = np.random.default_rng(0).integers(0, 3, (5, 6, 7)).astype(np.uint8)
    file = tmp_path / "mask.nrrd"
    write_labelmap(mask, Volume(np.zeros(mask.shape, np.int16), MATRIX), file)
    back = decode(file.read_bytes())
    np.testing.assert_array_equal(back.voxels, mask.transpose(2, 1, 0))
    np.testing.assert_allclose(back.ijkToRas, MATRIX, atol=1e-9)


def test_raw_big_endian_right_anterior_superior_is_read_too() -> None:
    voxels = np.arange(24, dtype=">i2").reshape(2, 3, 4)
    head = (
        "NRRD0004\ntype: short\ndimension: 3\nspace: right-anterior-superior\nsizes: 4 3 2\n"
        "space directions: (1,0,0) (0,2,0) (0,0,3)\nendian: big\nencoding: raw\nspace origin: (1,2,3)\n\n"
    )
    back = decode(head.encode() + voxels.tobytes())
    np.testing.assert_array_equal(back.voxels, voxels)
    np.testing.assert_array_equal(back.ijkToRas, np.array([[1, 0, 0, 1], [0, 2, 0, 2], [0, 0, 3, 3], [0, 0, 0, 1.0]]))


def test_types_that_nrrd_lacks_keep_their_values() -> None:
    assert decode(encode(Image(np.ones((2, 2, 2), bool), MATRIX))).voxels.all()
    large = np.full((2, 2, 2), 2**40, np.int64)
    np.testing.assert_array_equal(decode(encode(Image(large, MATRIX))).voxels, large)


GOOD = encode(Image(np.ones((3, 3, 3), np.uint8), MATRIX))


DAMAGED = {
    "empty": b"",
    "head": b"NRRD0005",
    "other": b"PNG\n\n",
    "cut": GOOD[:-30],
    "flat": GOOD.replace(b"sizes: 3 3 3", b"sizes: 3 3"),
    "bzip": GOOD.replace(b"gzip", b"bzip2"),
    "block": GOOD.replace(b"uint8", b"block"),
    "nowhere": GOOD.replace(b"space origin", b"space nothing"),
    "larger": GOOD.replace(b"sizes: 3 3 3", b"sizes: 9 9 9"),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_damaged_masks_are_told(content: bytes) -> None:
    with pytest.raises(Problem, match="cannot be read") as caught:
        decode(content)
    assert caught.value.code == "bad_mask"


@pytest.mark.parametrize("name", ["chest_ct", "brain_mr"])
def test_the_phantoms_that_come_with_the_module_are_images(name: str) -> None:
    image = sitk.ReadImage(str(MODULE / "Resources" / "SampleData" / f"{name}.nrrd"))
    assert image.GetDimension() == 3
    assert sitk.GetArrayFromImage(image).std() > 0
