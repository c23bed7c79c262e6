"""A MONAI Label server as a child process: start it, know when it answers, stop it for certain."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import requests

START_SECONDS = 300
STOP_SECONDS = 15
_POLL_SECONDS = 0.5
_TAIL_LINES = 15
_SERVER_ERROR = 500
_MISTAKE = "prsmed.errors.PRSMedError: "
_APP = Path(__file__).resolve().parent


class StartFailed(RuntimeError):
    """The server ended, or did not answer in time; says why, as far as its log does."""


class ServerProcess:
    """`python -m monailabel.main start_server` with our app.

    Args:
        studies: Folder or DICOMweb URL.
        host: Address to listen on.
        port: Port to listen on.
        model: Checkpoint folder or preset; ``None`` leaves it to the app.
        log: File its output goes to.
        uvicorn_app: The web application; ``monailabel.app:app`` is MONAI Label's stock one.
    """

    def __init__(
        self,
        studies: str,
        host: str,
        port: int,
        model: str | None,
        log: Path,
        uvicorn_app: str = "monailabel_app.asgi:app",
    ) -> None:
        self.studies = studies
        self.log = log
        self._host, self._port, self._model, self._uvicorn_app = host, port, model, uvicorn_app
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where a client on this machine finds it."""
        # An address that means "all of them" is not one to connect to.
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._host, self._host)
        return f"http://[{host}]:{self._port}" if ":" in host else f"http://{host}:{self._port}"

    @property
    def pid(self) -> int:
        """Process id; the server must have been started."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start the process; returns at once."""
        command = [sys.executable, "-m", "monailabel.main", "start_server", "--app", str(_APP)]
        command += ["--studies", self.studies, "--host", self._host, "--port", str(self._port)]
        command += ["--uvicorn_app", self._uvicorn_app]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait_until_ready(self) -> Iterator[str]:
        """Wait until it answers, yielding the last line of its log now and then.

        Raises:
            StartFailed: It ended first, or took longer than :data:`START_SECONDS`.
        """
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None:
                raise StartFailed(self._reason())
            if time.monotonic() > deadline:
                raise StartFailed(f"no answer after {START_SECONDS} seconds\n{self._log_tail(_TAIL_LINES)}")
            yield self._log_tail(1)
            time.sleep(_POLL_SECONDS)

    def wait(self) -> int:
        """Wait until it ends by itself; its exit status."""
        assert self._process is not None
        return self._process.wait()

    def stop(self) -> None:
        """End it: politely, then for certain. Does nothing when it is not running."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        try:
            # MONAI Label's stock application has no such route, which is an answer too.
            return requests.get(f"{self.url}/health", timeout=5).status_code < _SERVER_ERROR
        except requests.RequestException:
            return False

    def _environment(self) -> dict[str, str]:
        environment = {
            # Beside other busy processes (a retraining, say), threads that spin while they wait make a question
            # take minutes instead of a second.
            "OMP_WAIT_POLICY": "PASSIVE",
            **os.environ,
            # MONAI Label looks for its DICOM tools (dcmqi) on PATH and would else download them.
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
            # Both start work in the background that this app has no use for (MLflow has dropped
            # its file store; scoring runs in a second copy of the app).
            "MONAI_LABEL_TRACKING_ENABLED": "false",
            "MONAI_LABEL_AUTO_UPDATE_SCORING": "false",
        }
        if self._model is not None:
            environment["PRSMED_MODEL"] = _absolute(self._model)
        return environment

    def _reason(self) -> str:
        """Our own words for a user's mistake where the log has them, else its end."""
        log = self._log_tail(_TAIL_LINES)
        return log.rpartition(_MISTAKE)[2].splitlines()[0] if _MISTAKE in log else log

    def _log_tail(self, lines: int) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


def _absolute(model: str) -> str:
    return str(Path(model).resolve()) if Path(model).exists() else model
