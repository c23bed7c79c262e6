"""Who judges models: a fifth of the groups, the same ones for ever."""

from __future__ import annotations

from prsmed.learning.held_out import is_held_out


def test_about_a_fifth_of_the_groups() -> None:
    share = sum(is_held_out(f"patient{number}") for number in range(20_000)) / 20_000
    assert 0.19 < share < 0.21


def test_what_was_held_out_once_stays_so() -> None:
    """Written down: another answer in a later version would train on what judged the versions before."""
    assert [number for number in range(30) if is_held_out(f"case{number}")] == [3, 4, 7, 10, 11, 12, 17, 21, 27]
