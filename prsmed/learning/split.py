"""Which corrections teach, and which are kept for the gate."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

from prsmed.learning.held_out import is_held_out

_LEAST_GROUPS = 3


def held_out_groups(groups: Collection[str]) -> frozenset[str]:
    """The groups that are kept for the gate: those of :func:`is_held_out`.

    Where chance would keep none of three or more, one is kept all the same: without any, nobody could tell what a new
    model has learnt.
    """
    held = frozenset(group for group in groups if is_held_out(group))
    if held or len(set(groups)) < _LEAST_GROUPS:
        return held
    return frozenset([min(groups, key=lambda group: hashlib.sha256(group.encode()).digest())])
