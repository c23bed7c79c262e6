"""Start work in several processes that know of each other, as a launcher does."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

import torch
import torch.multiprocessing as mp


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def launch(work: Callable[..., None], count: int, *args: Any) -> None:
    """Run ``work(*args)`` in ``count`` processes, told of each other as a launcher does."""
    mp.start_processes(_work_as, (count, free_port(), work, args), nprocs=count, start_method="fork")


def _work_as(rank: int, count: int, port: int, work: Callable[..., None], args: tuple[Any, ...]) -> None:
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    torch.set_num_threads(1)
    work(*args)
    torch.distributed.destroy_process_group()
