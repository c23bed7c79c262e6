from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from small_set import record

from prsmed.data import Record, in_square, look, read_image
from prsmed.data import volumes as volumes_module
from prsmed.errors import PRSMedError
from prsmed.imaging import demo_phantoms, extract, read_volume, to_display, write_demo_studies, write_labelmap
from prsmed.position.zones import locate_all

NOISE = np.random.default_rng(0).integers(70, 180, (40, 60), dtype=np.uint8)
MASK = np.zeros((40, 60), dtype=np.uint8)
MASK[3:15, 40:58] = 255


def save(root: Path, name: str, pixels: np.ndarray, **options: object) -> str:
    Image.fromarray(pixels).save(root / name, **options)
    return name


def pair(root: Path, mask: np.ndarray = MASK, image: np.ndarray = NOISE, **known: object) -> Record:
    return record(image=save(root, "image.png", image), mask=save(root, "mask.png", mask), **known)


def test_a_picture_is_seen_with_its_mask_and_where_it_is(tmp_path: Path) -> None:
    shown = look(pair(tmp_path), tmp_path)
    np.testing.assert_array_equal(shown.pixels, NOISE)
    np.testing.assert_array_equal(shown.mask, MASK // 255)
    assert [position.zone for position in shown.positions] == ["top right"]
    assert shown.image_slice is None


def test_positions_are_those_in_the_models_square(tmp_path: Path) -> None:
    tall = np.zeros((200, 40), dtype=np.uint8)  # near the left border, yet near the centre of a square around it
    tall[104:116, 2:16] = 255
    shown = look(pair(tmp_path, tall, np.repeat(NOISE[:, :40], 5, axis=0)), tmp_path)
    [position] = shown.positions
    assert (position.zone, position.near_center) == ("bottom left", True)
    assert shown.positions == locate_all(in_square(shown, 256)[1], "box", 0.1)
    assert not locate_all(tall, "box", 0.1)[0].near_center


def test_all_regions_are_told_largest_first(tmp_path: Path) -> None:
    mask = np.zeros_like(MASK)
    for window in (np.s_[2:8, 2:8], np.s_[2:12, 48:58], np.s_[28:36, 2:10], np.s_[28:33, 50:56]):
        mask[window] = 255
    zones = [position.zone for position in look(pair(tmp_path, mask), tmp_path).positions]
    assert zones == ["top right", "bottom left", "top left", "bottom right"]


def test_jpeg_masks_lose_their_specks(tmp_path: Path) -> None:
    drawn = np.kron(MASK, np.ones((4, 4), dtype=np.uint8))
    image = save(tmp_path, "image.png", np.kron(NOISE, np.ones((4, 4), dtype=np.uint8)))
    mask = save(tmp_path, "mask.jpg", drawn, quality=40)
    stored = np.asarray(Image.open(tmp_path / mask))
    assert len(np.unique(stored)) > 2
    np.testing.assert_array_equal(read_image(record(image=image, mask=mask), tmp_path)[1], drawn // 255)


@pytest.mark.parametrize(("labels", "expected"), [((2,), 1), ((1, 2), 2)])
@pytest.mark.parametrize("mode", ["L", "P", "I;16"])
def test_label_maps_are_read_by_their_values(tmp_path: Path, labels: tuple[int, ...], expected: int, mode: str) -> None:
    values = np.zeros_like(MASK)
    values[:4, :5], values[10:14, :5] = 1, 2
    image = save(tmp_path, "image.png", NOISE)
    if mode == "P":
        coded = Image.fromarray(values, mode="P")
        coded.putpalette([0, 0, 0, 255, 255, 255, 9, 9, 9])
        coded.save(tmp_path / "labels.png")
    else:
        save(tmp_path, "labels.png", values.astype(np.uint16) if mode == "I;16" else values)
    _, mask = read_image(record(image=image, mask="labels.png", labels=labels), tmp_path)
    np.testing.assert_array_equal(mask, np.isin(values, labels))
    assert mask.sum() == expected * 20


def test_several_masks_are_one_target(tmp_path: Path) -> None:
    other = save(tmp_path, "other.png", MASK[::-1].copy())
    _, mask = read_image(pair(tmp_path, more_masks=(other,)), tmp_path)
    np.testing.assert_array_equal(mask, (MASK | MASK[::-1]) // 255)


def test_masks_of_another_size_are_brought_to_the_images_only_where_the_set_is_so(tmp_path: Path) -> None:
    half = pair(tmp_path, MASK[::2, ::2].copy(), is_mask_scaled=True)
    assert abs(int(read_image(half, tmp_path)[1].sum()) - int(MASK.sum()) // 255) < 40
    with pytest.raises(PRSMedError, match="make them equal") as error:
        read_image(pair(tmp_path, MASK[::2, ::2].copy()), tmp_path)
    assert error.value.code == "mask_size"


def test_deep_pictures_keep_their_contrast(tmp_path: Path) -> None:
    deep = NOISE.astype(np.uint16) * 40 + 20_000
    pixels, _ = read_image(pair(tmp_path, image=deep), tmp_path)
    assert pixels.dtype == np.uint8
    assert pixels.min() == 0
    assert pixels.max() == 255
    assert np.corrcoef(pixels.ravel(), NOISE.ravel())[0, 1] > 0.99


@pytest.mark.parametrize(
    ("mask", "code"),
    [
        (MASK // 255, "gray_mask"),  # a label map without labels would pass for "nothing there"
        (np.tile(np.arange(0, 240, 4, dtype=np.uint8), (40, 1)), "gray_mask"),
        (NOISE, "gray_mask"),
        (MASK[:-1], "mask_size"),
    ],
)
def test_masks_that_are_none_are_told(tmp_path: Path, mask: np.ndarray, code: str) -> None:
    with pytest.raises(PRSMedError, match=r"mask\.png") as error:
        read_image(pair(tmp_path, mask), tmp_path)
    assert error.value.code == code


def test_a_mask_under_another_name_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(PRSMedError) as error:
        read_image(pair(tmp_path, image=MASK), tmp_path)
    assert error.value.code == "mask_is_image"
    read_image(pair(tmp_path, image=np.where(MASK > 0, 240, NOISE)), tmp_path)
    read_image(pair(tmp_path, np.zeros_like(MASK), np.zeros_like(MASK)), tmp_path)


@pytest.mark.parametrize("what", ["image", "mask"])
def test_missing_and_broken_files_are_told(tmp_path: Path, what: str) -> None:
    one = pair(tmp_path)
    (tmp_path / f"{what}.png").write_bytes((tmp_path / f"{what}.png").read_bytes()[:60])
    with pytest.raises(PRSMedError, match=f"{what}.png") as error:
        read_image(one, tmp_path)
    assert error.value.code == f"bad_{what}"
    (tmp_path / f"{what}.png").unlink()
    with pytest.raises(PRSMedError) as error:
        read_image(one, tmp_path)
    assert error.value.code == f"missing_{what}"


def volume_pair(root: Path, affine: np.ndarray, shift: float = 0.0, name: str = "") -> Record:
    """12 x 14 x 10 voxels; label 3 is at the patient's right front top, label 1 at the left back bottom."""
    ras = np.indices((12, 14, 10)).reshape(3, -1).T @ affine[:3, :3].T
    centered = (ras - ras.mean(axis=0)) / np.ptp(ras, axis=0)
    labels = np.zeros(len(ras), dtype=np.uint8)
    labels[centered.min(axis=1) > 0.15] = 3
    labels[centered.max(axis=1) < -0.15] = 1
    values = np.random.default_rng(1).integers(0, 400, (12, 14, 10)).astype(np.int16)
    nib.save(nib.Nifti1Image(values, affine), root / f"image{name}.nii.gz")
    moved = affine.copy()
    moved[0, 3] += shift
    nib.save(nib.Nifti1Image(labels.reshape(12, 14, 10), moved), root / f"label{name}.nii.gz")
    return record(image=f"image{name}.nii.gz", mask=f"label{name}.nii.gz", plane="axial", slice=0, labels=(3,))


RAS = np.diag([1.0, 1.0, 3.0, 1.0])
LPS = np.diag([-2.0, -1.0, 3.0, 1.0])
TURNED = np.array([[0, 0, -3.0, 5], [2.0, 0, 0, 1], [0, -1.0, 0, 7], [0, 0, 0, 1]])


@pytest.mark.parametrize("affine", [RAS, LPS, TURNED], ids=["RAS", "LPS", "turned"])
@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_slices_are_seen_as_a_radiologist_sees_them(tmp_path: Path, affine: np.ndarray, plane: str) -> None:
    one = volume_pair(tmp_path, affine)
    volume = read_volume(tmp_path / one.image)
    count = extract(volume, plane, 0).volume_shape[extract(volume, plane, 0).axes[2]]
    seen: dict[int, str] = {}
    for index in range(count):
        for label in (1, 3):
            shown = look(replace(one, plane=plane, slice=index, labels=(label,)), tmp_path)
            if shown.positions:
                seen[label] = shown.positions[0].zone
            assert shown.image_slice is not None
            assert shown.image_slice.has_patient_space
            expected = to_display(extract(volume, plane, index))
            np.testing.assert_array_equal(shown.pixels, expected[..., 0])
            assert shown.mask.shape == shown.pixels.shape
    assert seen == {1: "bottom right", 3: "top left"}


def test_a_slice_fills_the_square_in_millimetres(tmp_path: Path) -> None:
    one = volume_pair(tmp_path, LPS)  # 12 columns of 2 mm, 14 rows of 1 mm
    pixels, _ = in_square(look(one, tmp_path), 96)
    rows, cols = np.flatnonzero(pixels.any(axis=(1, 2))), np.flatnonzero(pixels.any(axis=(0, 2)))
    assert len(cols) == 96
    assert len(rows) == pytest.approx(96 * 14 / 24, abs=1)


def test_a_dicom_series_is_a_volume_too(tmp_path: Path) -> None:
    paths = write_demo_studies(tmp_path)
    volume, mask = demo_phantoms()["chest_ct"]
    write_labelmap(mask, volume, tmp_path / "label.nii.gz")
    index = int(mask.sum(axis=(0, 1)).argmax())
    one = record(
        "lung_ct", "lung nodule", image=paths["chest_ct"].name, mask="label.nii.gz", plane="axial", slice=index
    )
    shown = look(one, tmp_path)
    assert shown.mask.sum() == mask[:, :, index].sum() > 0
    assert shown.image_slice is not None
    assert shown.image_slice.modality == "CT"
    assert len(shown.positions) == 1


def test_the_last_two_files_stay_in_memory_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = volume_pair(tmp_path, RAS, name="1"), volume_pair(tmp_path, RAS, name="2")
    opened = []
    monkeypatch.setattr(volumes_module, "read_volume", lambda path: opened.append(path.name) or read_volume(path))
    for volume in (one, other, one):
        for index in range(3):
            look(replace(volume, slice=index), tmp_path)
    names = ["image1.nii.gz", "label1.nii.gz", "image2.nii.gz", "label2.nii.gz"]
    assert opened == [*names, *names[:2]]


def test_a_corrected_label_is_read_anew(tmp_path: Path) -> None:
    one = volume_pair(tmp_path, RAS)
    path = tmp_path / "label.nii.gz"
    sums = [look(one, tmp_path).mask.sum() for _ in range(2)]
    nib.save(nib.Nifti1Image(np.full((12, 14, 10), 3, np.uint8), RAS), path)
    os.utime(path, ns=(1, 1))
    assert sums[0] == sums[1] < look(one, tmp_path).mask.sum() == 12 * 14


@pytest.mark.parametrize("spoil", ["moved", "other shape"])
def test_another_grid_is_told(tmp_path: Path, spoil: str) -> None:
    one = volume_pair(tmp_path, RAS, shift=0.5 if spoil == "moved" else 0.0)
    if spoil == "other shape":
        nib.save(nib.Nifti1Image(np.ones((12, 14, 9), np.uint8), RAS), tmp_path / "label.nii.gz")
    with pytest.raises(PRSMedError, match=r"label\.nii\.gz") as error:
        look(one, tmp_path)
    assert error.value.code == "other_grid"


@pytest.mark.parametrize("what", ["image", "mask"])
def test_missing_and_broken_volumes_are_told(tmp_path: Path, what: str) -> None:
    one = volume_pair(tmp_path, RAS)
    path = tmp_path / (one.image if what == "image" else str(one.mask))
    path.write_bytes(path.read_bytes()[:60])
    os.utime(path, ns=(1, 1))
    with pytest.raises(PRSMedError) as error:
        look(one, tmp_path)
    assert error.value.code == f"bad_{what}"
    path.unlink()
    with pytest.raises(PRSMedError) as error:
        look(one, tmp_path)
    assert error.value.code == f"missing_{what}"


def test_phantoms_are_looked_at_like_the_rest(tmp_path: Path) -> None:
    shown = look(record("phantom_mr", "brain tumour", image="phantom_mr/5", mask=None, seed=5), tmp_path)
    assert bool(shown.positions) == bool(shown.mask.any())


def test_a_real_dicom_series_with_its_labels(shared_data: Path) -> None:
    folder = "volumes/dcmqi_ct3slice"
    known = {"plane": "axial", "slice": 1}
    one = record("ct_abdomen", "liver", image=f"{folder}/ct-3slice", mask=f"{folder}/liver_seg.nrrd", **known)
    shown = look(one, shared_data)
    assert shown.pixels.shape == (512, 512)
    assert np.nonzero(shown.mask)[1].mean() < 256  # the liver is on the patient's right, which is seen on the left
