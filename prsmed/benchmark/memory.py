"""The most memory a piece of work had at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

_CLEAR, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
_RESET_PEAK = "5"  # man 5 proc: sets the peak of the resident set to its present size


def peak_bytes(work: Callable[[], object], device: torch.device) -> int | None:
    """The peak during ``work``: of the GPU's memory that torch took, else of the process's resident set.

    ``None`` where the system tells no peak (anything but Linux).
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        work()
        return int(torch.cuda.max_memory_allocated(device))
    if not _CLEAR.exists():
        return None
    _CLEAR.write_text(_RESET_PEAK)
    work()
    return _resident_peak()


def _resident_peak() -> int:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
