"""`./scripts/serve`, without the part that installs."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from PIL import Image
from tiny_model import write_tiny_model

from monailabel_app.process import ServerProcess
from monailabel_app.serve import main

COMMAND = [sys.executable, "-u", "-m", "monailabel_app.serve"]


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield int(taken.getsockname()[1])


def test_a_taken_port_is_a_mistake(taken_port: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", str(taken_port)]) == 2
    assert f"--port {taken_port} is taken" in capsys.readouterr().out


@pytest.mark.parametrize("port", ["0", "65536"])
def test_a_port_that_cannot_be_is_a_mistake(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", port]) == 2
    assert "1..65535" in capsys.readouterr().out


def test_studies_that_are_not_there_are_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--studies", "/no/such/folder"]) == 2
    assert "/no/such/folder is no folder" in capsys.readouterr().out


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "::"])
def test_a_server_for_others_needs_keys(
    host: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PRSMED_API_KEYS", raising=False)
    assert main(["--host", host]) == 2
    assert f"--host {host} is reached from other machines" in capsys.readouterr().out


@pytest.mark.slow
def test_once_with_a_key(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    made = [sys.executable, "-m", "monailabel_app.keys", str(keys), "alice", "--role", "user"]
    key = subprocess.run(made, capture_output=True, text=True, check=True).stdout.strip()
    model = write_tiny_model(tmp_path / "model")
    environment = {**os.environ, "PRSMED_API_KEYS": str(keys), "PRSMED_KEY": key}
    command = [*COMMAND, "--once", "--host", "127.0.0.2", "--model", str(model)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert key not in keys.read_text()
    wrong = subprocess.run([*made[:-1], "king"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "roles out of admin" in wrong.stderr


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    shown = capsys.readouterr().out
    assert all(option in shown for option in ("--studies", "--model", "--host", "--port", "--once"))


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:7"), ("0.0.0.0", "http://127.0.0.1:7"), ("::", "http://[::1]:7")],
)
def test_url_is_one_to_connect_to(host: str, url: str, tmp_path: Path) -> None:
    assert ServerProcess("studies", host, 7, None, tmp_path / "log").url == url


@pytest.mark.slow
def test_once_answers_three_questions_and_leaves_nothing_running(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "model")
    done = subprocess.run(
        [*COMMAND, "--once", "--model", str(model)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [int(number) for number in re.findall(r"^─+ (\d)\. ", done.stdout, re.MULTILINE)] == [1, 2, 3]
    assert done.stdout.count("Model tiny-1") == 3
    assert done.stdout.count("No mask") == 1
    written = [Path(path) for path in re.findall(r"Written: (.*)", done.stdout)]
    assert len(written) == 4
    for path in written:
        assert path.stat().st_mtime > time.time() - 300
    with Image.open(written[1]) as overlay:
        assert min(overlay.size) >= 400
    url = re.findall(r"at (http://\S+)", done.stdout)[0]
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/info/", timeout=5)


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_server_too(sent: signal.Signals, studies_folder: Path, tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "model")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    command = [*COMMAND, "--studies", str(studies_folder), "--model", str(model)]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as serving:
        assert serving.stdout is not None
        lines = []
        for line in serving.stdout:
            lines.append(line)
            if "In 3D Slicer" in line:
                break
        url = re.findall(r"at (http://\S+)", "".join(lines))[0]
        assert requests.get(f"{url}/info/", timeout=30).ok
        serving.send_signal(sent)
        try:
            assert serving.wait(timeout=60) == 0
        finally:
            serving.kill()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/info/", timeout=5)
    assert list(temporary.glob("prsmed-*")) == []


@pytest.mark.slow
def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "--once", "--model", "no-such-model"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1
    assert "'no-such-model' is neither a folder" in done.stdout
    assert "Traceback" not in done.stdout
