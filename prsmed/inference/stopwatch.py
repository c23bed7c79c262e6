"""Times the steps of a question."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Milliseconds a step took, by name."""

    def __init__(self) -> None:
        self.milliseconds: dict[str, float] = {"image": 0.0, "prefill": 0.0, "mask": 0.0, "text": 0.0}

    @contextmanager
    def time(self, step: str) -> Iterator[None]:
        """Add the time of the block to ``step``."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.milliseconds[step] += 1000 * (time.perf_counter() - start)

    def add(self, other: Stopwatch, share: float) -> None:
        """Add a share of another's times: of work that went on beside other work."""
        for step, milliseconds in other.milliseconds.items():
            self.milliseconds[step] += share * milliseconds
