"""What is written is grammatical and is read back exactly."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prsmed.position.findings import ZONES, Position, Side
from prsmed.position.parser import Reading, parse
from prsmed.position.sentences import is_plural, write_answer, write_place

TARGETS = (
    "tumour",
    "lungs",
    "polyp",
    "brain tumour",
    "left lung",
    "mass",
    "pancreas",
    "kidneys",
    "lobes of the liver",
)
NEAR, FAR = Position("top left", True), Position("top left", False)

positions = st.builds(
    lambda zone, near: Position(zone, near or zone == "center"), st.sampled_from(ZONES), st.booleans()
)


@settings(max_examples=300)
@given(
    st.lists(st.tuples(positions, st.sampled_from(["left", "right"])), max_size=12),
    st.sampled_from(TARGETS),
    st.sampled_from(["image", "patient", "both"]),
    st.integers(0, 1000),
)
def test_every_sentence_is_read_back(
    regions: list[tuple[Position, Side]], target: str, frame: str, variant: int
) -> None:
    places, sides = [place for place, _ in regions], [side for _, side in regions]
    text = write_answer(places, target, sides=sides, frame=frame, variant=variant)  # type: ignore[arg-type]
    if not regions:
        assert parse(text) == Reading(none=True), text
        return
    zones = () if frame == "patient" else tuple(dict.fromkeys(place.zone for place in places))
    told = dict.fromkeys(sides if frame != "image" else ())
    near = places[0].near_center if len(places) == 1 else True if zones == ("center",) else None
    reading = parse(text)
    # "left lung" names a side of its own, wherever in the sentence it stands.
    named = {*told, "left"} if target == "left lung" else {*told}
    assert set(reading.side) == named, text
    assert target == "left lung" or reading.side == tuple(told), text
    count = len(places) if len(places) > 1 else None
    assert reading == Reading(zones, None, None, near, reading.side, count, False), text


@pytest.mark.parametrize("case", [(), (NEAR,), (FAR,), (Position("center", True),), (NEAR, FAR)])
@pytest.mark.parametrize("frame", ["image", "patient", "both"])
def test_each_case_has_a_dozen_wordings(case: tuple[Position, ...], frame: str) -> None:
    sides: list[Side] = ["left"] * len(case)
    texts = {write_answer(case, "tumour", sides=sides, frame=frame, variant=v) for v in range(1000)}  # type: ignore[arg-type]
    assert len(texts) >= 12
    for text in texts:
        assert re.fullmatch(r"[A-Z][a-zA-Z',:;() ]+\.", text), text
        assert "  " not in text
        assert "tumour" in text.lower()


@pytest.mark.parametrize("case", [(), (NEAR,), (Position("center", True),), (NEAR, FAR)])
def test_verbs_agree_with_the_target(case: tuple[Position, ...]) -> None:
    for variant in range(20):
        plural = write_answer(case, "lungs", variant=variant)
        assert not re.search(r"lungs (is|lies|appears|sits|shows|forms)\b", plural), plural
        assert not re.search(r"\b(is|lies) (no |the )?lungs", plural), plural
        singular = write_answer(case, "tumour", variant=variant)
        assert not re.search(r"(?<!of the )tumour (are|lie|appear|sit|show|form)\b", singular), singular
        assert not re.search(r"\b(are|lie) (no |the )?tumour", singular), singular


@pytest.mark.parametrize(
    "name", ["lungs", "polyps", "masses", "metastases", "foci", "liver and spleen", "lobes of the lung"]
)
def test_plural_names(name: str) -> None:
    assert is_plural(name)


@pytest.mark.parametrize("name", ["mass", "pancreas", "uterus", "abscess", "pelvis", "tumour", "wall of the vessels"])
def test_singular_names(name: str) -> None:
    assert not is_plural(name)


def test_an_unknown_side_is_told_in_image_terms() -> None:
    text = write_answer([NEAR, FAR], "polyp", sides=["left", None], frame="patient")
    assert "patient" not in text
    assert parse(text).zones == ("top left",)


def test_the_same_arguments_write_the_same_sentence() -> None:
    assert write_answer([NEAR], "polyp", variant=3) == write_answer([NEAR], "polyp", variant=3)
    assert write_answer([NEAR], "polyp", variant=3) != write_answer([NEAR], "polyp", variant=4)


@given(
    st.lists(st.tuples(positions, st.sampled_from(["left", "right"])), min_size=1, max_size=7),
    st.sampled_from(["image", "patient", "both"]),
)
def test_a_place_alone_is_read_as_the_whole_sentence(regions: list[tuple[Position, Side]], frame: str) -> None:
    places, sides = [place for place, _ in regions], [side for _, side in regions]
    whole = parse(write_answer(places, "tumour", sides=sides, frame=frame))  # type: ignore[arg-type]
    place = parse(f"The tumour is {write_place(places, sides=sides, frame=frame)}.")  # type: ignore[arg-type]
    assert (place.zones, place.near_center, place.side) == (whole.zones, whole.near_center, whole.side)
