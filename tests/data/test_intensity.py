from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_set import record

from prsmed.data.augment import change_tones, compress, device_noise

DEVICES = ("brain_mri", "phantom_mr", "lung_ct", "lung_xray", "breast_ultrasound")
SEEDS = range(30)


def noise(value: int, modality: str) -> np.ndarray:
    """What is added to an even image, over many draws."""
    image = np.full((64, 64), value, dtype=np.uint8)
    noisy = [device_noise(image, modality, np.random.default_rng(seed)) for seed in SEEDS]
    return np.stack(noisy).astype(float) - value


@pytest.mark.parametrize("modality", DEVICES)
def test_noise_hides_no_place_and_keeps_a_grey_picture_grey(modality: str) -> None:
    image = np.full((40, 50, 3), 60, dtype=np.uint8)
    image[10:20, 30:45] = 200
    before = image.copy()
    inside, outside = [], []
    for seed in SEEDS:
        noisy = device_noise(image, modality, np.random.default_rng(seed))
        assert noisy.dtype == np.uint8
        assert not np.array_equal(noisy, image)
        assert (noisy == noisy[..., :1]).all()
        inside.append(noisy[10:20, 30:45].mean())
        outside.append(noisy[25:].mean())
    assert np.mean(inside) == pytest.approx(200, abs=6)
    assert np.mean(outside) == pytest.approx(60, abs=3)
    np.testing.assert_array_equal(image, before)


def test_noise_is_that_of_the_device() -> None:
    assert noise(0, "brain_mri").mean() > 2  # a magnitude is never negative: black turns grey
    assert abs(noise(128, "brain_mri").mean()) < 1
    assert not noise(0, "breast_ultrasound").any()  # no echo, no speckle
    for modality in ("lung_ct", "lung_xray", "breast_ultrasound"):
        assert abs(noise(128, modality).mean()) < 1
        assert noise(180, modality).std() > 1.2 * noise(60, modality).std()
    ratio = noise(160, "brain_mri").std() / noise(100, "brain_mri").std()
    assert ratio == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("modality", "is_grainy"), [("lung_ct", True), ("breast_ultrasound", True), ("lung_xray", False)]
)
def test_grain(modality: str, is_grainy: bool) -> None:
    added = noise(128, modality)
    alike = np.corrcoef(added[:, :, 1:].ravel(), added[:, :, :-1].ravel())[0, 1]
    assert alike > 0.4 if is_grainy else abs(alike) < 0.05


def test_photographs_have_no_such_noise() -> None:
    image = np.full((8, 8, 3), 100, dtype=np.uint8)
    assert device_noise(image, "polyp_endoscopy", np.random.default_rng(0)) is image


@pytest.mark.parametrize("shape", [(64, 64), (64, 64, 3)])
def test_compressing_leaves_blocks_but_the_picture(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(80, 160, shape, dtype=np.uint8)
    image[20:40, 20:40] = 250
    small = compress(image, np.random.default_rng(0))
    assert small.shape == shape
    assert not np.array_equal(small, image)
    assert np.abs(small.astype(float) - image).mean() < 25
    assert small[22:38, 22:38].mean() > small[50:].mean() + 80


@given(st.sampled_from([*DEVICES, "skin_dermoscopy"]), st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=60, deadline=None)
def test_changed_tones_leave_what_is_bright_where_it_is(modality: str, seed: int, is_colour: bool) -> None:
    image = np.full((48, 48, 3) if is_colour else (48, 48), 50, dtype=np.uint8)
    image[16:32, 8:24] = 190
    image.setflags(write=False)
    changed = change_tones(image, record(modality), np.random.default_rng(seed))
    assert changed.shape == (48, 48, 3)
    assert changed.dtype == np.uint8
    assert changed[18:30, 10:22].mean() > changed[:, 28:].mean() + 60
    again = change_tones(image, record(modality), np.random.default_rng(seed))
    np.testing.assert_array_equal(changed, again)
