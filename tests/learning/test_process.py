"""A training's process: it waits for memory where it is to, and ends with its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from prsmed.learning import memory
from prsmed.learning.adapt import AdaptConfig
from prsmed.learning.correction import Correction
from prsmed.learning.job import Job
from prsmed.model.checkpoint import find_checkpoint

_CHILD = """
import os, sys, time
from prsmed.learning.parent import die_with
die_with(int(sys.argv[1]))
print("ready", flush=True)
time.sleep(60)
"""
_PARENT = f"""
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {_CHILD!r}, str(os.getpid())], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(60)
"""


def test_a_child_ends_with_a_parent_that_was_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        os.kill(parent.pid, signal.SIGKILL)
    psutil.wait_procs([child], timeout=5)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_one_whose_parent_is_gone_already_does_not_begin() -> None:
    done = subprocess.run([sys.executable, "-c", _CHILD, "1"], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, b"")


def test_it_waits_until_memory_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = find_checkpoint("nano")
    needed = memory.needed_bytes(checkpoint)
    assert needed > 5 * (checkpoint / "model.safetensors").stat().st_size
    free = iter([0, needed - 1, needed, 0])
    monkeypatch.setattr(memory, "free_bytes", lambda device: next(free))
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    memory.wait_for_memory(checkpoint, "cpu")
    assert next(free) == 0, "it began as soon as there was enough"


def test_free_memory_of_this_machine() -> None:
    assert 0 < memory.free_bytes("cpu") <= psutil.virtual_memory().total


def test_a_job_goes_through_its_file(tmp_path: Path) -> None:
    correction = Correction("a", "b", tmp_path / "a.nii", tmp_path / "l.nii", {1: "海馬"}, "Where?", {"slice": 3})
    job = Job(
        (correction,),
        tmp_path,
        tmp_path / "base",
        AdaptConfig(steps=7, seconds=2.5),
        who="ann",
        replay=tmp_path,
        quarantined=({"image": "x", "reason": "torn"},),
    )
    job.write(tmp_path / "job.json")
    assert Job.read(tmp_path / "job.json") == job
