"""Every generated turn is true of its mask, and the parser reads it back: every kind, every template, random masks."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scenes import box, masks, one_at_a_time, shown, turns

from prsmed.data.schema import KINDS, Kind, Turn
from prsmed.data.shown import Shown
from prsmed.position.findings import Position
from prsmed.position.parser import Reading, parse
from prsmed.position.zones import locate_all, regions

few = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
IDS = re.compile(r"(position|choice|yes_no|referring|size|count|patient_side|dialogue)/\d+")


def check(turn: Turn, kind: Kind, scene: Shown) -> None:
    assert not set("{}") & set(turn.question + turn.answer)
    assert "  " not in turn.question + turn.answer
    assert IDS.fullmatch(turn.template)
    assert turn.present == bool(turn.positions)
    if turn.present:
        meant = range(len(scene.positions)) if turn.regions is None else turn.regions
        assert turn.positions == tuple(scene.positions[index] for index in meant)
    else:
        assert turn.regions is None
    reading = parse(turn.answer)
    if not turn.present:
        assert reading == Reading(none=True), turn.answer
        return
    zones = tuple(dict.fromkeys(place.zone for place in turn.positions))
    may_be_silent = kind in ("size", "patient_side")
    assert reading.zones == zones or (may_be_silent and reading.zones == ()), turn.answer
    assert not reading.none
    assert reading.vertical is reading.horizontal is None, turn.answer
    if len(turn.positions) == 1 and (reading.zones or not may_be_silent):
        assert reading.near_center == turn.positions[0].near_center, turn.answer
    assert reading.side == () or kind == "patient_side"


def mirrored(places: tuple[Position, ...], axis: int) -> tuple[Position, ...]:
    swap = {"left": "right", "right": "left"} if axis == 1 else {"top": "bottom", "bottom": "top"}
    return tuple(
        replace(place, zone=" ".join(swap.get(word, word) for word in place.zone.split()))  # type: ignore[arg-type]
        for place in places
    )


@pytest.mark.parametrize("kind", KINDS)
@few
@given(mask=masks(), seed=st.integers(0, 999), is_slice=st.booleans())
def test_every_template_tells_the_truth(kind: Kind, mask: np.ndarray, seed: int, is_slice: bool) -> None:
    scene = shown(mask, is_slice=is_slice)
    for wording, held_out in one_at_a_time(kind):
        for turn in turns(scene, kind, seed, held_out=held_out, wording=wording):
            check(turn, kind, scene)


@pytest.mark.parametrize("kind", KINDS)
@few
@given(mask=masks(least=1), seed=st.integers(0, 999), axis=st.integers(0, 1), is_slice=st.booleans())
def test_a_mirrored_mask_gives_the_mirrored_zones(
    kind: Kind, mask: np.ndarray, seed: int, axis: int, is_slice: bool
) -> None:
    flipped = np.flip(mask, axis)
    before, after = shown(mask, is_slice=is_slice), shown(flipped, is_slice=is_slice)
    # A box centred on a middle line stays "right" or "bottom", and regions of one size have no order of their own.
    assume(locate_all(flipped, "box", 0.1) == mirrored(before.positions, axis))
    for wording, held_out in one_at_a_time(kind):
        here = turns(before, kind, seed, held_out=held_out, wording=wording)
        there = turns(after, kind, seed, held_out=held_out, wording=wording)
        assert len(here) == len(there)
        for one, other in zip(here, there, strict=True):
            assert other.positions == mirrored(one.positions, axis)
            assert (one.template, one.target, one.regions) == (other.template, other.target, other.regions)
            told = [tuple(Position(zone, True) for zone in parse(turn.answer).zones) for turn in (one, other)]
            assert told[1] == mirrored(told[0], axis)


@given(mask=masks(least=2), seed=st.integers(0, 999))
def test_regions_are_those_of_the_mask(mask: np.ndarray, seed: int) -> None:
    for turn in turns(shown(mask), "referring", seed):
        assert turn.regions is not None
        (index,) = turn.regions
        assert locate_all(regions(mask)[index], "box", 0.1) == turn.positions


@pytest.mark.parametrize("kind", ["choice", "yes_no", "referring", "size", "patient_side", "position"])
def test_nothing_is_asked_about_the_place_of_what_is_not_there(kind: Kind) -> None:
    assert turns(shown(box(0, 0) * 0, is_slice=True), kind) == ()


def test_a_mask_of_dust_has_no_known_number_of_regions() -> None:
    dust = np.zeros((65, 65), dtype=np.uint8)
    dust[::8, ::8] = 1
    assert [kind for kind in KINDS if turns(shown(dust), kind)] == ["absent"]
