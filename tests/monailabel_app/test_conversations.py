"""Conversations are a user's own, bounded, and end."""

from __future__ import annotations

import pytest

from monailabel_app.conversations import Conversations
from prsmed.errors import PRSMedError


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def conversations(clock: Clock) -> Conversations:
    return Conversations(max_conversations=3, max_turns=2, seconds=60, clock=clock)


def is_known(conversations: Conversations, conversation_id: str, user: str = "a", image: str = "ct") -> bool:
    try:
        conversations.history(conversation_id, user, image)
    except PRSMedError:
        return False
    return True


def test_turns_are_kept_in_order_and_the_oldest_goes(conversations: Conversations) -> None:
    key = conversations.add(None, "a", "ct", ("q1", "a1"))
    for n in (2, 3):
        assert conversations.add(key, "a", "ct", (f"q{n}", f"a{n}")) == key
    assert conversations.history(key, "a", "ct") == (("q2", "a2"), ("q3", "a3"))


def test_nobody_sees_anothers_nor_takes_it_to_another_image(conversations: Conversations) -> None:
    key = conversations.add(None, "a", "ct", ("q", "secret"))
    with pytest.raises(PRSMedError) as caught:
        conversations.history(key, "b", "ct")
    assert caught.value.code == "unknown_conversation"
    assert not is_known(conversations, key, image="mr")
    assert conversations.add(key, "b", "ct", ("q", "a")) != key
    assert conversations.history(key, "a", "ct") == (("q", "secret"),)


def test_the_longest_unused_goes_first(conversations: Conversations) -> None:
    keys = [conversations.add(None, "a", "ct", (str(n), "")) for n in range(3)]
    conversations.add(keys[0], "a", "ct", ("again", ""))
    conversations.add(None, "a", "ct", ("new", ""))
    assert [is_known(conversations, key) for key in keys] == [True, False, True]
    assert len(conversations) == 3


def test_they_end_when_nobody_goes_on(conversations: Conversations, clock: Clock) -> None:
    key = conversations.add(None, "a", "ct", ("q", "a"))
    clock.now = 59
    conversations.add(key, "a", "ct", ("q", "a"))
    clock.now = 118
    assert is_known(conversations, key)
    clock.now = 120
    assert not is_known(conversations, key)
    assert len(conversations) == 0


def test_ids_cannot_be_guessed(conversations: Conversations) -> None:
    keys = {Conversations(1, 1, 1).add(None, "a", "ct", ("q", "a")) for _ in range(100)}
    assert len(keys) == 100
    assert min(map(len, keys)) >= 20
