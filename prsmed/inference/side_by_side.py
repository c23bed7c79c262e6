"""Work on a CPU in several threads of one core each.

Most steps of a small network are too short to be shared between cores; whole batches are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Part = TypeVar("Part")
Result = TypeVar("Result")


def workers_on(device: torch.device) -> int:
    """How many parts to work on at once: as many as torch has threads; one on a GPU, which shares its work itself."""
    return torch.get_num_threads() if device.type == "cpu" else 1


def side_by_side(work: Callable[[Part], Result], parts: Sequence[Part], workers: int) -> Iterator[Result]:
    """The results in the order of the parts, as they come.

    While several workers are at it torch has one thread for each. Whoever stops asking for results stops what has not
    begun.
    """
    if workers == 1:
        yield from map(work, parts)
        return
    before = torch.get_num_threads()
    pool = ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield from pool.map(work, parts)
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(before)
