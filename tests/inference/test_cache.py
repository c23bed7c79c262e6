"""The cache of seen images keeps to its bytes."""

from __future__ import annotations

from collections.abc import Callable

import torch

from prsmed.inference.cache import SeenCache
from prsmed.model.outputs import Seen
from prsmed.model.prsmed import PRSMed


def _seen(make_tiny: Callable[..., PRSMed]) -> Seen:
    with torch.no_grad():
        return make_tiny().see(torch.zeros(1, 3, 64, 64))


def test_least_recently_used_goes_first(make_tiny: Callable[..., PRSMed]) -> None:
    seen = _seen(make_tiny)
    cache = SeenCache(max_bytes=2 * seen.num_bytes)
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
    cache = SeenCache(max_bytes=seen.num_bytes - 1)
    cache.get("a", lambda: seen)
    assert cache.num_bytes == 0


def test_bytes_are_those_of_the_tensors(make_tiny: Callable[..., PRSMed]) -> None:
    seen = _seen(make_tiny)
    tensors = [seen.features.dense, *seen.features.finer, seen.prefix.hidden, seen.prefix.roles]
    tensors += [tensor for layer in seen.prefix.cache for tensor in layer]
    assert seen.num_bytes == sum(tensor.nbytes for tensor in tensors)
