"""A cache keeps to its bytes, and makes a thing once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
import torch

from prsmed.inference.cache import ByteCache
from prsmed.model.outputs import Seen
from prsmed.model.prsmed import PRSMed


def _seen(make_tiny: Callable[..., PRSMed]) -> Seen:
    with torch.no_grad():
        return make_tiny().see(torch.zeros(1, 3, 64, 64))


def test_least_recently_used_goes_first(make_tiny: Callable[..., PRSMed]) -> None:
    seen = _seen(make_tiny)
    cache = ByteCache(2 * seen.num_bytes, lambda value: value.num_bytes)
    looks: list[str] = []

    def look(key: str) -> Seen:
        return cache.get(key, lambda: looks.append(key) or seen)

    for key in ("a", "b", "a", "c", "a", "b"):
        look(key)
    assert looks == ["a", "b", "c", "b"], "b was the oldest when c came"
    assert cache.num_bytes == 2 * seen.num_bytes
    assert (cache.hits, cache.misses) == (2, 4)


def test_no_memory_keeps_nothing(make_tiny: Callable[..., PRSMed]) -> None:
    seen = _seen(make_tiny)
    cache = ByteCache(seen.num_bytes - 1, lambda value: value.num_bytes)
    cache.get("a", lambda: seen)
    assert cache.num_bytes == 0


def test_bytes_are_those_of_the_tensors(make_tiny: Callable[..., PRSMed]) -> None:
    seen = _seen(make_tiny)
    tensors = [seen.features.dense, *seen.features.finer, seen.prefix.hidden, seen.prefix.roles]
    tensors += [tensor for layer in seen.prefix.cache for tensor in layer]
    assert seen.num_bytes == sum(tensor.nbytes for tensor in tensors)


def test_threads_that_want_the_same_wait_for_one_to_make_it() -> None:
    cache: ByteCache[str] = ByteCache(100, len)
    made: list[int] = []

    def make() -> str:
        time.sleep(0.05)
        made.append(1)
        return "volume"

    threads = [threading.Thread(target=cache.get, args=("a", make)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert (cache.hits, cache.misses) == (7, 1)


def test_what_cannot_be_made_is_tried_again() -> None:
    cache: ByteCache[str] = ByteCache(100, len)
    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: str(1 / 0))
    assert cache.get("a", lambda: "made") == "made"
