"""Raw values to gray: explicit, named, automatic and default windows."""

from __future__ import annotations

import numpy as np
import pytest

from prsmed.errors import PRSMedError
from prsmed.imaging.plane import ImageSlice, extract
from prsmed.imaging.volume import Volume, robust_window
from prsmed.imaging.window import PRESETS, to_display
from prsmed.orientations import ORIENTATIONS, turn


def make_slice(
    values: np.ndarray,
    modality: str = "",
    window: tuple[float, float] | None = None,
    has_patient_space: bool = True,
) -> ImageSlice:
    affine = np.diag((-1.0, -1.0, 1.0, 1.0))
    return extract(Volume(values.T[:, :, None], affine, modality, window, has_patient_space), "axial", 0)


def test_explicit_window_by_hand() -> None:
    values = np.array([[-100.0, 0.0, 50.0, 100.0, 500.0, np.nan, np.inf, -np.inf]])
    shown = to_display(make_slice(values), (50.0, 100.0))
    assert shown.shape == (1, 8, 3)
    assert shown.dtype == np.uint8
    assert shown[0, :, 0].tolist() == [0, 0, 128, 255, 255, 0, 255, 0]
    assert (shown[..., 0] == shown[..., 2]).all()


@pytest.mark.parametrize("name", PRESETS)
def test_presets_span_their_window(name: str) -> None:
    center, width = PRESETS[name]
    values = np.array([[center - width / 2, center, center + width / 2]])
    assert to_display(make_slice(values), name)[0, :, 0].tolist() == [0, 128, 255]


def test_stored_window_wins_over_the_modality() -> None:
    values = np.array([[-600.0, -599.0, 0.0]])
    shown = to_display(make_slice(values, "CT", (-600.0, 2.0)))[0, :, 0]
    assert shown.tolist() == [128, 255, 255]


@pytest.mark.parametrize("modality", ["CT", ""])
def test_hounsfield_units_without_a_window_show_soft_tissue(modality: str) -> None:
    values = np.linspace(-1000, 1000, 401)[None]
    shown = to_display(make_slice(values, modality))
    np.testing.assert_array_equal(shown, to_display(make_slice(values), (40.0, 400.0)))


def test_default_is_percentiles_of_the_volume_not_of_the_slice() -> None:
    voxels = np.random.default_rng(1).uniform(0, 1000, (30, 40, 6))
    voxels[:, :, 0] /= 10
    voxels[0, 0, 0], voxels[1, 0, 0] = 1e9, np.nan
    volume = Volume(voxels, np.diag((-1.0, -1.0, 1.0, 1.0)), "MR")
    dark = to_display(extract(volume, "axial", 0))
    assert 20 < dark.max(initial=0, where=dark < 255) < 30
    low, high = np.nanpercentile(voxels, (0.5, 99.5))
    np.testing.assert_allclose(volume.default_window, ((low + high) / 2, high - low), rtol=1e-6)
    assert to_display(extract(volume, "axial", 0), "auto").mean() > 100


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_a_large_volume_has_one_window_in_all_48_orientations(dtype: type) -> None:
    oblique = np.array([[0.9, 0.2, 0.1, -10], [-0.2, 1.4, 0.3, 5], [-0.1, -0.3, 4.0, 7], [0, 0, 0, 1.0]])
    voxels = np.random.default_rng(2).gamma(2, 200, (130, 150, 120)).astype(dtype)
    volume = Volume(voxels, oblique, "MR")
    windows = {turn(volume, orientation).default_window for orientation in ORIENTATIONS}
    assert len(windows) == 1
    low, high = np.percentile(voxels, (0.5, 99.5))
    assert windows.pop() == pytest.approx(((low + high) / 2, high - low), rel=0.01)


def test_every_value_of_a_small_volume_counts_and_its_order_does_not() -> None:
    voxels = np.random.default_rng(3).normal(size=(125, 100, 159))
    low, high = np.percentile(voxels, (0.5, 99.5))
    for stored in (voxels, np.asfortranarray(voxels), voxels[::-1].transpose(2, 0, 1)):
        assert robust_window(stored) == ((low + high) / 2, high - low)


@pytest.mark.parametrize("axis", range(3))
def test_every_slice_of_a_large_volume_is_looked_at(axis: int) -> None:
    two = np.repeat([0, 1000], 1_000_000).reshape(2, 1000, 1000).astype(np.int16)
    assert robust_window(np.moveaxis(two, 0, axis)) == (500.0, 1000.0)


def test_eight_bit_pictures_pass_through() -> None:
    values = np.array([[3, 90, 201]], dtype=np.uint8)
    shown = to_display(make_slice(values, has_patient_space=False))
    assert shown[0, :, 0].tolist() == [3, 90, 201]


def test_color_passes_through_any_window() -> None:
    voxels = np.random.default_rng(0).integers(0, 255, (4, 5, 1, 3)).astype(np.uint8)
    image_slice = extract(Volume(voxels, np.eye(4), has_patient_space=False), "axial", 0)
    np.testing.assert_array_equal(to_display(image_slice, "lung"), voxels[:, :, 0].transpose(1, 0, 2))


@pytest.mark.parametrize("values", [np.zeros((3, 3)), np.full((3, 3), np.nan)])
def test_an_image_without_contrast_is_still_shown(values: np.ndarray) -> None:
    assert to_display(make_slice(values)).shape == (3, 3, 3)


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ((40.0, 0.0), "greater than 0"),
        ((40.0, -5.0), "width -5"),
        ((float("nan"), 5.0), "finite"),
        ("lungs", "lung, mediastinum"),
    ],
)
def test_bad_windows_say_the_cure(window: tuple[float, float] | str, words: str) -> None:
    with pytest.raises(PRSMedError, match=words) as caught:
        to_display(make_slice(np.zeros((2, 2))), window)
    assert caught.value.code == "bad_window"
