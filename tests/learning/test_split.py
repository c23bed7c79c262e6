"""Which studies are kept for the gate."""

from __future__ import annotations

import pytest

from prsmed.learning.held_out import is_held_out
from prsmed.learning.split import held_out_groups

NAMES = [f"study{n}" for n in range(200)]
TAUGHT = [name for name in NAMES if not is_held_out(name)]


def test_about_a_fifth_is_kept_and_it_is_those_that_are_always_kept() -> None:
    held = held_out_groups(NAMES)
    assert held == {name for name in NAMES if is_held_out(name)}
    assert 20 <= len(held) <= 60


@pytest.mark.parametrize(("count", "kept"), [(0, 0), (1, 0), (2, 0), (3, 1), (7, 1)])
def test_of_three_one_is_kept_where_chance_keeps_none(count: int, kept: int) -> None:
    groups = TAUGHT[:count]
    assert len(held_out_groups(groups)) == kept
    assert held_out_groups(groups) == held_out_groups(groups[::-1])
