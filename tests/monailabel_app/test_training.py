"""The train task over HTTP, with a tiny model: beside the questions, ended when it is to be, leaving all sound."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import psutil
import pytest
import requests
from monailabel.client import MONAILabelClient
from running import ask, serve

from monailabel_app.process import ServerProcess
from prsmed.model.checkpoint import verify_checkpoint

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SHAPE, ENDLESS = (32, 32, 8), 500_000


def write_studies(folder: Path) -> Path:
    folder.mkdir()
    for number in range(6):
        voxels = np.random.default_rng(number).normal(90, 9, SHAPE)
        nib.save(
            nib.Nifti1Image((voxels + 90 * mark(number)).astype(np.int16), np.eye(4)), folder / f"s{number}.nii.gz"
        )
    return folder


def mark(number: int) -> np.ndarray:
    mask = np.zeros(SHAPE, np.uint8)
    mask[4 + number : 14 + number, 6:16, 2:6] = 1
    return mask


@pytest.fixture
def start(model: Path, tmp_path: Path) -> Callable[[], Iterator[ServerProcess]]:
    studies = write_studies(tmp_path / "studies")
    settings = {"PRSMED_VERSIONS": str(tmp_path / "versions"), "PRSMED_SCORING": "off"}
    return lambda: serve(studies, model, tmp_path / "log", **settings)


def correct(url: str) -> None:
    for number in range(6):
        content = nib.Nifti1Image(mark(number), np.eye(4)).to_bytes()
        params = {"label_names": {"gadget": 1}, "question": "Where is the gadget?"}
        files = {"label": ("label.nii", content), "params": (None, json.dumps(params))}
        requests.put(f"{url}/datastore/label?image=s{number}&tag=final", files=files, timeout=60).raise_for_status()


def stats(url: str) -> dict[str, Any]:
    return dict(requests.get(f"{url}/train/prsmed/stats", timeout=60).json())


def wait_for(url: str, *states: str, seconds: float = 240) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while (found := stats(url))["status"] not in states:
        assert time.monotonic() < deadline, found
        assert found["status"] not in ("done", "failed", "stopped"), found
        time.sleep(0.1)
    return found


def train(url: str, **params: Any) -> requests.Response:
    return requests.post(f"{url}/train/prsmed", json=params, timeout=60)


def child_of(server: ServerProcess) -> psutil.Process:
    (child,) = [
        process for process in psutil.Process(server.pid).children() if "prsmed.learning.session" in process.cmdline()
    ]
    return child


def is_gone(process: psutil.Process, seconds: float) -> bool:
    with contextlib.suppress(psutil.TimeoutExpired):
        process.wait(seconds)
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_from_corrections_to_a_verdict(start: Callable[[], Iterator[ServerProcess]], tmp_path: Path) -> None:
    for server in start():
        url = server.url
        assert stats(url)["status"] == "idle"
        assert requests.get(f"{url}/train/", timeout=60).status_code == 404
        assert requests.delete(f"{url}/train/", timeout=60).json() is None
        correct(url)
        (tmp_path / "studies/labels/final/s2.nii").write_bytes(b"torn")
        assert train(url, steps=4).ok
        again = train(url)
        assert (again.status_code, again.json()["error"]["code"]) == (409, "training_running")
        wait_for(url, "training", "validating", "done")
        assert ask(url, "s0").ok, "questions are answered meanwhile"
        found = wait_for(url, "done")
        assert (found["step"], found["steps"], found["corrections"], found["version"]) == (4, 4, 5, "tiny-2")
        assert [entry["image"] for entry in found["quarantined"]] == ["s2"]
        assert [point["step"] for point in found["curve"]] == [1, 2, 3, 4]
        assert found["curve"][-1]["dice"] is not None
        versions = requests.get(f"{url}/versions", timeout=60).json()["versions"]
        assert [version["version"] for version in versions] == ["tiny-2", "tiny-1"]
        assert found["outcome"]["reason"] == versions[0]["reason"]
        assert found["outcome"]["promoted"] == (versions[0]["status"] == "live")
        info = requests.get(f"{url}/info/", timeout=60).json()
        assert info["trainers"]["prsmed"]["stats"] == found
        assert (info["train_stats"]["prsmed"]["epoch"], info["train_stats"]["prsmed"]["total_epochs"]) == (4, 4)
        verify_checkpoint(tmp_path / "versions" / "versions" / "tiny-2")
        wait_until_over(url)
        assert not (tmp_path / "versions/training/run").exists(), "no picture of a patient is left"
        assert "s2" not in server.log.read_text().replace("tiny-2", ""), "ids are not logged"


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"steps": 0}, "steps is 0"),
        ({"lr": "fast"}, "'fast'"),
        ({"seconds": -1}, "seconds is -1"),
        ({"seed": 0.5}, "seed"),
    ],
    ids=["steps", "lr", "seconds", "seed"],
)
def test_bad_params_start_nothing(url: str, params: dict[str, Any], words: str) -> None:
    refused = train(url, **params)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "bad_params")
    assert words in refused.json()["error"]["message"]
    assert stats(url)["status"] == "idle"


def test_stock_clients_start_watch_and_stop(start: Callable[[], Iterator[ServerProcess]], tmp_path: Path) -> None:
    for server in start():
        correct(server.url)
        client = MONAILabelClient(server.url, tmpdir=str(tmp_path))
        assert "prsmed" in client.info()["trainers"]
        assert client.train_start("prsmed", {"steps": ENDLESS})["status"] == "RUNNING"
        assert client.train_status(check_if_running=True)
        wait_for(server.url, "training")
        child = child_of(server)
        assert child.nice() == min(19, psutil.Process(server.pid).nice() + 10), "questions come first"
        began = time.monotonic()
        assert client.train_stop()["status"] == "STOPPED"
        assert time.monotonic() - began < 8
        assert is_gone(child, 1)
        assert not client.train_status(check_if_running=True)
        assert client.train_status()["status"] == "STOPPED"
        # All trainers at once, as older clients ask for; then the server is told to stop.
        assert client.train_start(None, {"prsmed": {"steps": ENDLESS}})["prsmed"]["result"]["status"] == "RUNNING"
        wait_for(server.url, "training")
        child = child_of(server)
        server.stop()
        assert is_gone(child, 5)


def test_kill_9_of_the_training_and_of_the_server(start: Callable[[], Iterator[ServerProcess]], tmp_path: Path) -> None:
    for server in start():
        correct(server.url)
        train(server.url, steps=ENDLESS)
        wait_for(server.url, "training")
        os.kill(child_of(server).pid, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while (found := stats(server.url))["status"] != "failed" and time.monotonic() < deadline:
            time.sleep(0.1)
        assert "status -9" in found["error"]
        assert ask(server.url, "s0").ok
        train(server.url, steps=ENDLESS)
        wait_for(server.url, "training")
        child = child_of(server)
        os.kill(server.pid, signal.SIGKILL)
        assert is_gone(child, 5), "it dies with the server"
    for server in start():
        found = stats(server.url)
        assert (found["status"], found["error"]) == (
            "stopped",
            "the server ended while it trained; start the training again",
        )
        assert not (tmp_path / "versions/training/run").exists()
        assert ask(server.url, "s0").ok
        assert requests.get(f"{server.url}/versions", timeout=60).json()["live"] == "tiny-1"


def test_kill_9_while_the_candidate_is_written_and_judged(
    start: Callable[[], Iterator[ServerProcess]], tmp_path: Path
) -> None:
    """At moments spread over the end of a training; afterwards every version is whole and the live one answers."""
    for server in start():
        correct(server.url)
        for delay in (0.0, 0.05, 0.3, 1.0):
            assert train(server.url, steps=3).ok
            child = None
            while stats(server.url)["step"] < 3:
                with contextlib.suppress(ValueError, psutil.NoSuchProcess):
                    child = child_of(server)
                time.sleep(0.01)
            time.sleep(delay)
            with contextlib.suppress(psutil.NoSuchProcess):
                assert child is not None
                child.kill()
            wait_until_over(server.url)
            told = requests.get(f"{server.url}/versions", timeout=60).json()
            assert told["live"] in {version["version"] for version in told["versions"]}
            for folder in (tmp_path / "versions" / "versions").glob("tiny-*"):
                verify_checkpoint(folder)
            assert ask(server.url, "s0").ok


def wait_until_over(url: str) -> None:
    while requests.get(f"{url}/train/?check_if_running=true", timeout=60).ok:
        time.sleep(0.1)
