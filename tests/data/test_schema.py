from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_set import record

from prsmed.data.record import SPLITS, Record
from prsmed.data.schema import KINDS, SCHEMA, Conversation, Review, Turn, from_line, read_conversations, to_line
from prsmed.errors import PRSMedError
from prsmed.position.findings import ZONES, Position

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
POSITIONS = st.lists(st.builds(Position, st.sampled_from(ZONES), st.booleans()), max_size=3).map(tuple)
INDEX = st.integers(0, 300)
RECORDS = st.builds(
    Record,
    image=TEXT.map(lambda name: f"images/{name}"),
    mask=st.none() | TEXT.map(lambda name: f"masks/{name}"),
    modality=TEXT,
    dataset=TEXT,
    target=TEXT,
    group=TEXT,
    split=st.sampled_from(SPLITS),
    licence=TEXT,
    is_healthy=st.booleans(),
    seed=st.none() | INDEX,
    crop=st.none() | st.tuples(st.integers(-9, 9), st.integers(-9, 9), INDEX, INDEX),
    labels=st.lists(INDEX, max_size=3).map(tuple),
    plane=st.sampled_from([None, "axial", "coronal", "sagittal"]),
    slice=st.none() | INDEX,
    more_masks=st.lists(TEXT.map(lambda name: f"masks/{name}"), max_size=2).map(tuple),
    is_mask_scaled=st.booleans(),
)
OPTIONS = st.sampled_from([((), None), (("top left", "center"), "B")])


@st.composite
def turns(draw: st.DrawFn) -> Turn:
    present, (options, letter) = draw(st.booleans()), draw(OPTIONS)
    return Turn(
        question=draw(TEXT),
        answer=draw(TEXT),
        target=draw(TEXT),
        present=present,
        positions=draw(POSITIONS) if present else (),
        regions=draw(st.none() | st.lists(INDEX, max_size=2).map(tuple)) if present else None,
        options=options,
        letter=letter,
        template=draw(TEXT),
    )


CONVERSATIONS = st.builds(
    Conversation,
    id=TEXT,
    kind=st.sampled_from(KINDS),
    record=RECORDS,
    turns=st.lists(turns(), min_size=1, max_size=3).map(tuple),
    rule=st.sampled_from(["box", "area"]),
    radius=st.floats(0, 1),
    review=st.none() | st.builds(Review, st.sampled_from(["accepted", "edited", "rejected"]), TEXT, TEXT),
)
ONE = Conversation(
    "val-1", "position", record(), (Turn("Where?", "There.", "polyp", True, (Position("center", True),)),)
)


@given(CONVERSATIONS)
def test_a_line_gives_the_conversation_back(conversation: Conversation) -> None:
    line = to_line(conversation)
    assert "\n" not in line
    assert from_line(line) == conversation


def test_a_line_is_read_without_this_project() -> None:
    turn = replace(ONE.turn, regions=(1,), options=("left", "right"), letter="B", template="referring/3")
    fields = json.loads(to_line(replace(ONE, turns=(turn, ONE.turn))))
    assert fields["schema"] == SCHEMA
    assert [message["role"] for message in fields["messages"]] == ["user", "assistant"] * 2
    user, assistant = fields["messages"][:2]
    assert (user["text"], user["options"], user["template"]) == ("Where?", ["left", "right"], "referring/3")
    assert (assistant["text"], assistant["letter"], assistant["masks"]) == ("There.", "B", {"regions": [1]})
    assert assistant["zones"] == [{"zone": "center", "near_center": True}]
    assert (fields["record"]["image"], fields["record"]["licence"]) == ("a.jpg", "CC0")


def test_what_is_absent_refers_to_no_mask() -> None:
    turn = Turn("Where?", "It is not there.", "polyp", False, ())
    assert json.loads(to_line(replace(ONE, turns=(turn,))))["messages"][1]["masks"] is None


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "prsmed.conversation/2"},
        {"messages": []},
        {"messages": json.loads(to_line(ONE))["messages"][:1]},
        {"messages": json.loads(to_line(ONE))["messages"][::-1]},
        {"record": {"image": "a.jpg"}},
        {"record": None},
        {"surprise": 1},
    ],
)
def test_other_lines_are_refused_with_their_number(change: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "conversations.jsonl"
    good = json.loads(to_line(ONE))
    path.write_text("\n".join(json.dumps(line) for line in (good, good | change)) + "\n")
    with pytest.raises(PRSMedError, match=r"line 2 of conversations\.jsonl") as error:
        list(read_conversations(path))
    assert error.value.code == "bad_conversation"


def test_a_file_is_read_as_far_as_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "conversations.jsonl"
    path.write_text(to_line(ONE) + "\nbroken\n")
    assert next(read_conversations(path)) == ONE


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(PRSMedError, match="prsmed data build") as error:
        list(read_conversations(tmp_path / "none.jsonl"))
    assert error.value.code == "missing_conversations"


def test_what_is_no_text_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "conversations.jsonl"
    path.write_bytes(to_line(ONE).encode() + b"\n\xff\xfe\n")
    with pytest.raises(PRSMedError, match=r"line 2 of") as error:
        list(read_conversations(path))
    assert error.value.code == "bad_conversation"
