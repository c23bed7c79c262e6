from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import ndimage
from small_set import record

from prsmed.data.augment import change_view, crop_empty, flip, mirror, recolor, rotate, rotate_slice, small_angle, zoom
from prsmed.data.shown import Shown
from prsmed.imaging.plane import ImageSlice, Plane, extract
from prsmed.imaging.volume import Volume
from prsmed.position.findings import Finding, Position
from prsmed.position.measure import Naming, measure
from prsmed.position.zones import locate

SEEDS = range(60)
ODD = 61  # the box rule mirrors exactly where a middle pixel exists


def scene(rows: int = 80, cols: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """An image whose target alone is white, so that image and mask can be compared after any move."""
    image = np.random.default_rng(0).integers(1, 200, (rows, cols), dtype=np.uint8)
    mask = np.zeros((rows, cols), dtype=np.uint8)
    mask[35:45, 45:58] = 1
    image[mask > 0] = 255
    return image, mask


@pytest.mark.parametrize("modality", ["brain_mri", "skin_dermoscopy", "lung_xray"])
def test_image_and_mask_move_together(modality: str) -> None:
    r = record(modality)
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        image, mask = flip(*zoom(*scene(), r, rng), r, rng)
        assert image.shape == mask.shape
        np.testing.assert_array_equal(image == 255, mask == 1)


def test_radiographs_stay_upright_and_only_photographs_are_turned() -> None:
    image, mask = scene()
    seen = {
        modality: {flip(image, mask, record(modality), np.random.default_rng(seed))[0].tobytes() for seed in SEEDS}
        for modality in ("lung_xray", "brain_mri", "skin_dermoscopy")
    }
    assert {modality: len(images) for modality, images in seen.items()} == {
        "lung_xray": 2,
        "brain_mri": 4,
        "skin_dermoscopy": 8,
    }
    assert seen["lung_xray"] == {image.tobytes(), image[:, ::-1].tobytes()}


@given(
    st.tuples(*[st.integers(0, ODD - 1)] * 4),
    st.sampled_from(["brain_mri", "skin_dermoscopy", "lung_xray"]),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=200, deadline=None)
def test_the_zone_of_a_flipped_mask_is_the_flipped_zone(box: tuple[int, ...], modality: str, seed: int) -> None:
    (top, bottom), (left, right) = sorted(box[:2]), sorted(box[2:])
    assume(top + bottom != ODD - 1 and left + right != ODD - 1)  # centred on a middle line: see locate_box
    mask = np.zeros((ODD, ODD), dtype=np.uint8)
    mask[top : bottom + 1, left : right + 1] = 1
    before = locate(mask, "box", 0.1)
    moved_to = {"top left": (5, 5), "top right": (5, 55), "bottom left": (55, 5), "bottom right": (55, 55)}
    image = np.zeros_like(mask)
    image[moved_to.get(before.zone, (30, 30))] = 1
    image, mask = flip(image, mask, record(modality), np.random.default_rng(seed))
    assert locate(mask, "box", 0.1) == Position(locate(image, "box", 0.1).zone, before.near_center)


@given(st.floats(-20, 20), st.integers(8, 60), st.integers(8, 80), st.sampled_from([0.5, 1.0, 2.0]))
@settings(max_examples=60, deadline=None)
def test_what_is_marked_stays_under_the_mask_when_turned(degrees: float, row: int, col: int, ratio: float) -> None:
    image = np.full((80, 100, 3), 20, dtype=np.uint8)
    mask = np.zeros((80, 100), dtype=np.uint8)
    mask[row : row + 9, col : col + 9] = 1
    image[mask > 0] = 220
    turned, moved = rotate(image, mask, degrees, (ratio, 1.0))
    assert turned.shape == image.shape
    assert set(np.unique(moved)) <= {0, 1}
    assume(moved.any())  # a corner that is barely in the picture shines into it, and has no pixel of the mask
    assert (turned[ndimage.binary_erosion(moved, iterations=2)] == 220).all()
    assert (turned[~ndimage.binary_dilation(moved, iterations=3)] <= 21).all()


def test_a_turn_is_counter_clockwise_about_the_middle_and_rigid_in_millimetres() -> None:
    mask = np.zeros((81, 81), dtype=np.uint8)
    mask[39:42, 69:72] = 1  # 30 pixels right of the middle
    row, col = ndimage.center_of_mass(rotate(mask, mask, 20)[1])
    assert (40 - row, col - 40) == pytest.approx((30 * np.sin(np.radians(20)), 30 * np.cos(np.radians(20))), abs=0.7)
    row, col = ndimage.center_of_mass(rotate(mask, mask, 20, (2.0, 1.0))[1])
    assert np.hypot(2 * (row - 40), col - 40) == pytest.approx(30, abs=1)


def test_radiographs_are_not_turned_and_others_a_little() -> None:
    angles = {
        modality: [small_angle(record(modality), np.random.default_rng(seed)) for seed in SEEDS]
        for modality in ("lung_xray", "brain_mri", "skin_dermoscopy")
    }
    assert set(angles["lung_xray"]) == {0}
    assert 5 < np.ptp(angles["brain_mri"]) <= 20
    assert 20 < np.ptp(angles["skin_dermoscopy"]) <= 40


def test_a_changed_view_of_a_picture_keeps_the_target_under_its_mask() -> None:
    image, mask = scene()
    image[mask == 0] = 90
    shown = Shown(record("skin_dermoscopy", "skin lesion"), image, mask, (Position("center", True),))
    shapes = set()
    for seed in SEEDS:
        seen = change_view(shown, np.random.default_rng(seed))
        assert seen.positions == ()
        assert (seen.pixels[ndimage.binary_erosion(seen.mask, iterations=2)] == 255).all()
        assert (seen.pixels[~ndimage.binary_dilation(seen.mask, iterations=2)] <= 90).all()
        shapes.add(seen.mask.shape)
    assert len(shapes) > 10
    np.testing.assert_array_equal(shown.pixels, image)


def slice_with_lesion(plane: Plane = "axial") -> Shown:
    """A slice of a volume with a lesion off the midline, and its mask."""
    voxels = np.full((50, 60, 40), -1000.0, dtype=np.float32)
    voxels[8:20, 12:24, 10:18] = 300.0
    affine = np.diag([2.4, 3.3, 6.0, 1.0])  # as wide as a body, or it would have no sides
    affine[:3, 3] = (-60, -90, 15)
    volume = Volume(voxels=voxels, affine=affine, modality="CT", has_patient_space=True, window=(0.0, 2000.0))
    image_slice = extract(volume, plane, {"axial": 14, "coronal": 17, "sagittal": 14}[plane])
    mask = (image_slice.pixels > 0).astype(np.uint8)
    return Shown(record("lung_ct", "lung tumour"), mask * np.uint8(200), mask, (), image_slice)


def finding(shown: Shown) -> Finding:
    assert shown.image_slice is not None
    return measure(shown.mask, shown.mask.astype(np.float32), shown.image_slice, Naming("tumour"))[0]


@pytest.mark.parametrize("plane", ["axial", "coronal"])
def test_a_mirrored_slice_shows_the_mirrored_patient(plane: Plane) -> None:
    shown = slice_with_lesion(plane)
    before, after = finding(shown), finding(mirror(shown))
    assert {before.patient_side, after.patient_side} == {"left", "right"}
    assert before.zone.split()[0] == after.zone.split()[0]
    assert {before.zone.split()[1], after.zone.split()[1]} == {"left", "right"}
    # On the screen the patient's left is at the right, before and after.
    for found in (before, after):
        assert found.zone.split()[1] != found.patient_side


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_a_turned_slice_keeps_every_point_in_its_place_in_the_patient(plane: Plane) -> None:
    shown = slice_with_lesion(plane)
    assert shown.image_slice is not None
    pixels, mask = rotate(shown.pixels, shown.mask, 10, shown.image_slice.spacing)
    turned = Shown(shown.record, pixels, mask, (), rotate_slice(shown.image_slice, 10))
    before, after = finding(shown), finding(turned)
    assert after.centroid_ras_mm == pytest.approx(before.centroid_ras_mm, abs=1.8)
    assert after.patient_side == before.patient_side
    assert after.area_mm2 == pytest.approx(before.area_mm2, rel=0.1)
    raw: ImageSlice = turned.image_slice  # type: ignore[assignment]
    assert (raw.pixels[ndimage.binary_erosion(mask, iterations=2)] == 300).all()


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_a_slice_is_never_cut_or_put_on_its_head_and_sides_follow_the_mirror(plane: Plane) -> None:
    shown = slice_with_lesion(plane)
    before = finding(shown)
    horizontal = set()
    for seed in SEEDS:
        seen = change_view(shown, np.random.default_rng(seed))
        after = finding(seen)
        assert seen.mask.shape == shown.mask.shape
        assert after.zone.split()[0] == before.zone.split()[0]
        is_mirrored = after.zone.split()[1] != before.zone.split()[1]
        assert (after.patient_side != before.patient_side) == is_mirrored
        horizontal.add(is_mirrored)
    assert horizontal == ({False} if plane == "sagittal" else {False, True})


def test_zoom_keeps_most_of_the_target() -> None:
    image, mask = scene()
    sizes = set()
    for seed in SEEDS:
        _, moved = zoom(image, mask, record(), np.random.default_rng(seed))
        assert moved.sum() >= 0.6 * mask.sum()
        sizes.add(moved.shape)
    assert min(sizes) < mask.shape < max(sizes)


def test_centred_nodules_land_anywhere() -> None:
    image, mask = scene()
    centres = []
    for seed in range(200):
        _, moved = zoom(
            image, mask, record("lung_ct", "lung nodule", dataset="lidc_crops"), np.random.default_rng(seed)
        )
        centres.append(np.argwhere(moved).mean(axis=0) / moved.shape)
    spread = np.array(centres)
    assert (spread.min(axis=0) < 0.25).all()
    assert (spread.max(axis=0) > 0.75).all()
    assert (np.abs(spread - 0.5).max(axis=1) > 0.15).mean() > 0.6


def test_an_empty_crop_holds_no_target_and_is_large_enough() -> None:
    image, mask = (np.roll(array, (-25, -30), axis=(0, 1)) for array in scene())
    crops = [crop_empty(image, mask, record(), np.random.default_rng(seed)) for seed in SEEDS]
    found = [crop for crop in crops if crop is not None]
    assert len(found) > 10
    for cut, empty in found:
        assert not empty.any()
        assert not (cut == 255).any()
        assert min(cut.shape[0] / 80, cut.shape[1] / 100) >= 0.44


def test_no_empty_crop_of_a_full_or_black_image_or_a_radiograph() -> None:
    image, mask = scene()
    rng = np.random.default_rng(0)
    assert crop_empty(image, np.ones_like(mask), record(), rng) is None
    assert crop_empty(np.zeros_like(image), mask, record(), rng) is None
    assert crop_empty(image, np.zeros_like(mask), record("lung_xray", "lungs"), rng) is None


def test_recolor_changes_values_but_not_places() -> None:
    image = np.zeros((32, 32, 3), dtype=np.uint8) + 40
    image[8:16, 8:16] = 200
    for seed in SEEDS:
        changed = recolor(image, np.random.default_rng(seed))
        assert changed.shape == image.shape
        assert changed.dtype == np.uint8
        assert changed[10:14, 10:14].mean() > changed[20:, 20:].mean() + 60
