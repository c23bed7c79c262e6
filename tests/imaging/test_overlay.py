"""Overlay pictures: sides, proportions, outline, caption."""

from __future__ import annotations

import numpy as np
import pytest

from prsmed.imaging.overlay import draw_overlay, side_letters
from prsmed.imaging.plane import Plane, extract
from prsmed.imaging.volume import Volume

GRAY = np.full((40, 60, 3), 90, np.uint8)
NO_MASK = np.zeros((40, 60), np.uint8)


@pytest.mark.parametrize(
    ("plane", "letters"),
    [
        ("axial", ("R", "L", "A", "P")),
        ("coronal", ("R", "L", "S", "I")),
        ("sagittal", ("A", "P", "S", "I")),
    ],
)
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, -1), (-1, -1, 1)])
def test_letters_of_the_planes(plane: Plane, letters: tuple[str, ...], signs: tuple[int, ...]) -> None:
    volume = Volume(np.zeros((3, 4, 5)), np.diag((*signs, 1.0)))
    assert side_letters(extract(volume, plane, 1)) == letters


def test_no_letters_without_patient_space() -> None:
    volume = Volume(np.zeros((3, 4, 1)), np.eye(4), has_patient_space=False)
    assert side_letters(extract(volume, "axial", 0)) is None


def test_proportions_are_the_patients() -> None:
    picture = draw_overlay(GRAY, NO_MASK, spacing=(3.0, 1.0))
    assert picture.size == (320, 640)
    large = draw_overlay(np.zeros((700, 900, 3), np.uint8), np.zeros((700, 900)), spacing=(0.5, 0.5))
    assert large.size == (900, 700)


def test_without_anything_the_slice_is_unchanged() -> None:
    pixels = np.asarray(draw_overlay(GRAY, NO_MASK, spacing=(1, 1)))
    assert (pixels == 90).all()


def test_the_mask_is_outlined_and_lightly_filled_in_place() -> None:
    mask = NO_MASK.copy()
    mask[10:20, 30:45] = 1
    pixels = np.asarray(draw_overlay(GRAY, mask, spacing=(1, 1))).astype(int)
    scale = 640 / 60
    changed = (pixels != 90).any(axis=-1)
    rows, cols = np.nonzero(changed)
    np.testing.assert_allclose(
        (rows.min(), rows.max(), cols.min(), cols.max()),
        np.array((10, 20, 30, 45)) * scale,
        atol=2,
    )
    center = pixels[int(15 * scale), int(37 * scale)]
    edge = pixels[int(15 * scale), cols.min()]
    assert 0 < np.abs(center - 90).max() < np.abs(edge - 90).max()


def test_labels_have_their_own_colors() -> None:
    mask = NO_MASK.copy()
    mask[5:15, 5:15], mask[25:35, 40:50] = 1, 2
    pixels = np.asarray(draw_overlay(GRAY, mask, spacing=(1, 1)))
    assert (pixels[107, 107] != pixels[320, 480]).any()


def test_letters_stand_at_their_edges() -> None:
    plain = np.asarray(draw_overlay(GRAY, NO_MASK, spacing=(1, 1))).astype(int)
    lettered = np.asarray(draw_overlay(GRAY, NO_MASK, spacing=(1, 1), sides=("R", "L", "A", "P"))).astype(int)
    changed = np.abs(lettered - plain).max(axis=-1) > 0
    height, width = changed.shape
    assert changed[height // 2 - 20 : height // 2 + 20, :60].any()
    assert changed[height // 2 - 20 : height // 2 + 20, -60:].any()
    assert changed[:60, width // 2 - 20 : width // 2 + 20].any()
    assert changed[-60:, width // 2 - 20 : width // 2 + 20].any()
    assert not changed[60:-60, 60:-60].any()


def test_a_long_caption_is_wrapped_below() -> None:
    plain = draw_overlay(GRAY, NO_MASK, spacing=(1, 1))
    short = draw_overlay(GRAY, NO_MASK, spacing=(1, 1), text="Where is it?\nTop right.")
    long = draw_overlay(GRAY, NO_MASK, spacing=(1, 1), text="word " * 60 + "x" * 300)
    assert plain.height < short.height < long.height
    assert plain.width == short.width == long.width
    assert (np.asarray(short)[: plain.height] == np.asarray(plain)).all()
    below = np.asarray(long)[plain.height :]
    assert (below[:, -10:] == 20).all()
    assert (below > 200).any()
