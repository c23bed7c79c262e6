from __future__ import annotations

import numpy as np
import pytest
from small_set import record

from prsmed.data.augment import crop_empty, flip, recolor, zoom

SEEDS = range(60)


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
