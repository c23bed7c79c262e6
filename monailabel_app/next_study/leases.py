"""Who has which image on the table, so that two readers never get the same one."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass

MOST = 20
"""Images a reader may hold; who asks on gets the one held longest again."""


@dataclass(frozen=True)
class _Lease:
    reader: Hashable
    until: float


class Leases:
    """Images that readers have been given, each for a while.

    In memory: after a restart nobody holds anything. Not safe to use from several threads at once;
    :class:`~monailabel_app.next_study.desk.Desk` holds its lock meanwhile.

    Args:
        seconds: How long an image is kept for a reader.
        clock: Seconds that only grow.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        # In the order they were taken.
        self._held: dict[str, _Lease] = {}

    @property
    def images(self) -> list[str]:
        """All that is held, the longest held first."""
        now = self._clock()
        self._held = {image: lease for image, lease in self._held.items() if lease.until > now}
        return list(self._held)

    def keep_only(self, images: Collection[str]) -> None:
        """Take back what is not among ``images``: it is labelled, or gone."""
        self._held = {image: self._held[image] for image in self.images if image in images}

    def of(self, reader: Hashable) -> list[str]:
        """What a reader holds, the longest held first."""
        return [image for image in self.images if self._held[image].reader == reader]

    def take(self, image: str, reader: Hashable) -> None:
        """Give an image to a reader, from now on."""
        self._held.pop(image, None)
        self._held[image] = _Lease(reader, self._clock() + self.seconds)

    def release(self, image: str) -> None:
        """Take it back."""
        self._held.pop(image, None)

    def minutes_left(self) -> int:
        """Until the first that is held comes free; 0 when none is."""
        first = min((self._held[image].until for image in self.images), default=self._clock())
        return math.ceil((first - self._clock()) / 60)
