from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from prsmed.imaging import Volume
from prsmed.inference import Engine
from prsmed.inference.side_by_side import side_by_side, workers_on


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_results_keep_their_order_and_the_threads_come_back(two_threads: None) -> None:
    both = threading.Barrier(2, timeout=10)

    def work(part: int) -> tuple[int, int]:
        both.wait()  # passes only when two are at work
        return part, torch.get_num_threads()

    assert list(side_by_side(work, range(6), 2)) == [(part, 1) for part in range(6)]
    assert torch.get_num_threads() == 2


def test_what_has_not_begun_is_left_when_nobody_asks(two_threads: None) -> None:
    begun: list[int] = []
    go_on = threading.Event()

    def work(part: int) -> int:
        begun.append(part)
        if part > 1:
            go_on.wait(10)
        return part

    results = side_by_side(work, range(20), 2)
    assert next(results) == 0
    threading.Timer(0.1, go_on.set).start()
    results.close()  # type: ignore[attr-defined]
    assert len(begun) < 6
    assert torch.get_num_threads() == 2


def test_an_error_of_a_part_is_the_callers(two_threads: None) -> None:
    def work(part: int) -> int:
        raise ValueError(str(part))

    with pytest.raises(ValueError, match="0"):
        list(side_by_side(work, range(4), 2))


def test_a_gpu_shares_its_work_itself(two_threads: None) -> None:
    assert workers_on(torch.device("cuda")) == 1
    assert workers_on(torch.device("cpu")) == 2


def test_a_volume_has_the_same_mask_however_many_work_on_it(engine: Engine, volume: Volume, two_threads: None) -> None:
    together = engine.ask_volume(volume, "Where is the polyp?")
    torch.set_num_threads(1)
    alone = engine.ask_volume(volume, "Where is the polyp?")
    np.testing.assert_array_equal(together.mask, alone.mask)
    np.testing.assert_allclose(together.probability, alone.probability, atol=1e-5)
    assert together.text == alone.text
    assert min(together.latencies_ms.values()) > 0
