"""The training process of this server: started, watched, stopped; one at a time."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from monailabel_app.corrections import read_corrections
from prsmed.errors import PRSMedError
from prsmed.learning.correction import Correction
from prsmed.learning.job import Job
from prsmed.learning.progress import RUNNING, Reporter, Stats, read_stats
from prsmed.learning.session import JOB, RUN, STATS

logger = logging.getLogger(__name__)

STOP_SECONDS = 3.0
_LOG = "log.txt"
_TIME = "%Y-%m-%d %H:%M:%S"


class Training:
    """Trains from a datastore's corrections in a child process that ends with this one, however this one ends.

    Safe to use from several threads, and by several processes on one folder: one of them trains at a time.

    Args:
        folder: Where the job, its stats and its pictures are; the pictures are deleted when it is over.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.began: str | None = None
        self.ended: str | None = None
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._alone = FileLock(folder / ".lock", timeout=0, thread_local=False)
        self._sweep()

    @property
    def is_running(self) -> bool:
        """Whether one runs that this process started."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def stats(self) -> Stats:
        """How it is going, or how the last one went."""
        return read_stats(self.folder / STATS)

    def start(self, datastore: Any, plan: Callable[[list[Correction], list[dict[str, str]]], Job]) -> None:
        """Begin; returns at once.

        Args:
            datastore: Whose corrections.
            plan: Makes a job of the corrections, and of what the datastore could not give.

        Raises:
            PRSMedError: ``training_running``.
        """
        with self._lock:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if self.is_running and self.stats.status not in RUNNING and self._thread is not None:
                self._thread.join(STOP_SECONDS)  # it only clears up
            try:
                # The lock is for other processes: this one's own would be let in.
                if self.is_running:
                    raise Timeout(self._alone.lock_file)
                self._alone.acquire()
            except Timeout:
                raise PRSMedError(
                    "training_running", "a training is running; wait for it, or stop it with DELETE /train/"
                ) from None
            self._stopping.clear()
            self.began, self.ended = datetime.now().strftime(_TIME), None
            Reporter(self.folder / STATS).tell(status="reading")
            # The child ends with the thread that started it, so that one stays until the child has ended.
            self._thread = threading.Thread(target=self._run, args=(datastore, plan), name="training", daemon=True)
            self._thread.start()

    def stop(self) -> bool:
        """End a running one within seconds; whether there was one."""
        with self._lock:
            thread = self._thread
            if thread is None or not thread.is_alive():
                return False
            self._stopping.set()
            if self._child is not None:
                self._child.terminate()
        thread.join(STOP_SECONDS)
        if thread.is_alive() and self._child is not None:
            self._child.kill()
            thread.join(STOP_SECONDS)
        return True

    def wait(self) -> Stats:
        """Wait for a running one; how it went."""
        if self._thread is not None:
            self._thread.join()
        return self.stats

    def _run(self, datastore: Any, plan: Callable[[list[Correction], list[dict[str, str]]], Job]) -> None:
        error: str | None = None
        try:
            error = self._work(datastore, plan)
        except PRSMedError as mistake:
            error = str(mistake)
        except Exception:
            logger.exception("The training failed")
            error = "the training failed; the server's log says why"
        finally:
            shutil.rmtree(self.folder / RUN, ignore_errors=True)
            (self.folder / JOB).unlink(missing_ok=True)
            self._settle("stopped" if self._stopping.is_set() else "failed", error)
            self.ended = datetime.now().strftime(_TIME)
            self._alone.release()

    def _work(self, datastore: Any, plan: Callable[[list[Correction], list[dict[str, str]]], Job]) -> str | None:
        """Read, hand over, wait; why it ended if that was no end of its own."""
        found: list[Correction] = []
        left: list[dict[str, str]] = []
        for correction in read_corrections(datastore):
            if self._stopping.is_set():
                return None
            if isinstance(correction, Correction):
                found.append(correction)
            else:
                left.append(correction)
        plan(found, left).write(self.folder / JOB)
        (self.folder / RUN).mkdir(mode=0o700)
        with self._lock:
            if self._stopping.is_set():
                return None
            self._child = self._start_child()
        try:
            status = self._child.wait()
        finally:
            self._child = None
        if status and not self._stopping.is_set():
            return f"the training's process ended with status {status}; {_LOG} in the folder of versions says more"
        return None

    def _start_child(self) -> subprocess.Popen[bytes]:
        threads = str(max(1, (os.cpu_count() or 1) - 1))
        environment = {"OMP_NUM_THREADS": threads, "OMP_WAIT_POLICY": "PASSIVE", **os.environ}
        command = [sys.executable, "-m", "prsmed.learning.session", str(self.folder), str(os.getpid())]
        with (self.folder / _LOG).open("wb") as log:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment
            )

    def _settle(self, status: str, error: str | None) -> None:
        """Say of what ended without a word of its own how it ended."""
        stats = self.stats
        if stats.status in RUNNING:
            Reporter(self.folder / STATS, stats).tell(status=status, error=error)

    def _sweep(self) -> None:
        """Clear away what a server that was killed has left, unless another one trains here right now."""
        if not self.folder.is_dir():
            return
        try:
            with self._alone:
                shutil.rmtree(self.folder / RUN, ignore_errors=True)
                (self.folder / JOB).unlink(missing_ok=True)
                self._settle("stopped", "the server ended while it trained; start the training again")
        except Timeout:
            pass
