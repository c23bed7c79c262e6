from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from prsmed.evaluation.place import Place, measured
from prsmed.position.findings import ZONES, Position
from prsmed.position.parser import parse
from prsmed.position.sentences import write_answer

POSITIONS = [Position(zone, near) for zone, near in product(ZONES, (True, False)) if zone != "center" or near]


@pytest.mark.parametrize("variant", range(16))
@pytest.mark.parametrize("count", [1, 2])
def test_every_true_answer_fits_its_truth(count: int, variant: int) -> None:
    for positions in product(POSITIONS, repeat=count):
        said = Place.of_reading(parse(write_answer(positions, "polyp", variant=variant)))
        assert said.fits(Place.of_positions(positions))


def test_nearness_counts_for_one_region_only() -> None:
    near, far = (Place.of_positions([Position("top left", value)]) for value in (True, False))
    unsaid, elsewhere = Place(("top left",)), Place(("top right",), True)
    assert near.has_zones_of(far)
    assert not near.fits(far)
    assert not unsaid.fits(near)
    assert not elsewhere.has_zones_of(near)
    two = Place.of_positions([Position("top left", True), Position("top right", False)])
    assert two == Place(("top left", "top right"))
    assert not near.has_zones_of(two)
    assert Place(("top left", "top right"), True).fits(two)


def test_order_and_repeats_do_not_count() -> None:
    one = Place.of_positions([Position("bottom right", False), Position("top left", True)])
    other = Place.of_reading(parse("in the top left and the bottom right; also the top left"))
    assert one.has_zones_of(other)


def test_a_half_is_no_zone() -> None:
    assert Place.of_reading(parse("on the left of the image")).zones == ()


def test_a_mask_is_measured_as_the_truth_is() -> None:
    mask = np.zeros((100, 100), dtype=bool)
    mask[5:25, 5:25] = mask[5:20, 70:85] = mask[80:90, 80:90] = True
    assert [position.zone for position in measured(mask)] == ["top left", "top right"]
    assert measured(np.zeros((100, 100), dtype=bool)) == ()
    ring = np.zeros((100, 100), dtype=bool)
    ring[38:46, 38:46] = True  # 11.7 pixels from the centre: near for a radius of 20 %, not of 10 %
    assert measured(ring) == (Position("top left", False),)


def test_places_in_words() -> None:
    assert str(Place(("top left",), True)) == "top left, near"
    assert str(Place(("top left", "top right"))) == "top left + top right"
    assert str(Place(("center",), True)) == "center"
    assert str(Place()) == "nowhere"
