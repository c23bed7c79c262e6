"""What whoever runs the server sees of it: health, metrics, a log that tells no secrets, an orderly end."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import psutil
import pytest
import requests
from running import ask, metric, serve, stream
from tiny_model import FOUND

from monailabel_app.process import ServerProcess, StartFailed
from monailabel_app.settings import ServerSettings, server_settings
from prsmed.errors import PRSMedError

pytestmark = pytest.mark.slow

PATIENT, QUESTION = "DOE_JOHN_19500131", "Where is the xyzzy lesion?"


@pytest.fixture
def private(model: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server of one good and one damaged image with a patient's name, and a big one."""
    studies = tmp_path / "hospital studies"
    studies.mkdir()
    image = nib.Nifti1Image(np.random.default_rng(0).normal(40, 9, (32, 32, 8)).astype(np.int16), np.eye(4))
    nib.save(image, studies / f"{PATIENT}.nii.gz")
    (studies / f"{PATIENT}_damaged.nii.gz").write_bytes((studies / f"{PATIENT}.nii.gz").read_bytes()[:300])
    nib.save(nib.Nifti1Image(np.zeros((32, 32, 900), np.int16), np.eye(4)), studies / "big.nii.gz")
    yield from serve(studies, model, tmp_path / "log" / "server.log")


def test_health_is_open_and_says_when_the_model_is_ready(url: str) -> None:
    deadline = time.monotonic() + 60
    while requests.get(f"{url}/health/ready", timeout=60).status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert requests.get(f"{url}/health", timeout=60).json() == {"status": "alive", "ready": True}


def test_a_model_that_cannot_be_loaded_is_alive_but_not_ready(studies: Path, model: Path, tmp_path: Path) -> None:
    damaged = Path(shutil.copytree(model, tmp_path / "model"))
    weights = damaged / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-9])
    for server in serve(studies, damaged, tmp_path / "log"):
        response = ask(server.url, "nifti")
        assert (response.status_code, response.json()["error"]["code"]) == (503, "bad_checkpoint")
        assert str(tmp_path) not in response.text
        assert requests.get(f"{server.url}/health", timeout=60).json() == {"status": "alive", "ready": False}
        assert requests.get(f"{server.url}/health/ready", timeout=60).status_code == 503


def test_metrics_count_what_happens(url: str) -> None:
    names = ("prsmed_wait_seconds_count", "prsmed_cache_hits_total", "prsmed_cache_misses_total")
    ask(url, "nifti", slice=3, window=[17, 90])
    before = {name: metric(url, name) for name in names}
    ask(url, "nifti", slice=3, window=[17, 90])
    ask(url, "nifti", slice=99)
    after = {name: metric(url, name) for name in names}
    assert after["prsmed_wait_seconds_count"] == before["prsmed_wait_seconds_count"] + 1
    assert after["prsmed_cache_hits_total"] == before["prsmed_cache_hits_total"] + 3, "two volumes, one of them seen"
    assert after["prsmed_cache_misses_total"] == before["prsmed_cache_misses_total"]
    text = requests.get(f"{url}/metrics", timeout=60).text
    assert 'prsmed_requests_total{method="POST",route="/infer/{model}",status="400"}' in text
    for name in ("prsmed_cache_bytes", "prsmed_waiting", "prsmed_step_seconds_bucket", "process_resident_memory_bytes"):
        assert name in text
    assert "nifti" not in text
    assert requests.request("MADEUP", f"{url}/nowhere", timeout=60).status_code == 404
    assert "MADEUP" not in requests.get(f"{url}/metrics", timeout=60).text


def test_the_log_tells_no_question_no_patient_and_no_file(private: ServerProcess) -> None:
    url = private.url
    assert ask(url, PATIENT, prompt=QUESTION).ok
    assert stream(url, PATIENT, prompt=QUESTION)
    assert ask(url, f"{PATIENT}_damaged", prompt=QUESTION).status_code == 400
    assert ask(url, f"{PATIENT}x", prompt=QUESTION).status_code == 404
    files = {"label": ("xyzzy.nii.gz", b"x"), "params": (None, json.dumps({"patient": PATIENT}))}
    assert requests.put(f"{url}/datastore/label?image={PATIENT}", files=files, timeout=60).status_code == 400
    for path in ("datastore/image", "datastore/image/info", "datastore/label/info", "activelearning/first"):
        method = "POST" if path.startswith("active") else "GET"
        requests.request(method, f"{url}/{path}", params={"image": PATIENT, "label": PATIENT, "tag": "x"}, timeout=60)
    requests.delete(f"{url}/datastore/label?id={PATIENT}&tag=final", timeout=60)
    requests.post(
        f"{url}/batch/infer/prsmed", json={"prompt": QUESTION, "device": "cpu", "multi_gpu": False}, timeout=60
    )
    deadline = time.monotonic() + 60
    while requests.get(f"{url}/batch/infer?check_if_running=true", timeout=60).ok and time.monotonic() < deadline:
        time.sleep(0.5)
    log = private.log.read_text()
    assert "POST /infer/{model} 200" in log
    assert "by local" in log
    for secret in ("DOE_JOHN", "xyzzy", f"{private.studies}/", "prsmed-server"):
        assert secret not in log


def test_a_batch_asks_every_image_and_keeps_the_masks(studies_folder: Path, model: Path, tmp_path: Path) -> None:
    studies = Path(shutil.copytree(studies_folder, tmp_path / "studies"))
    for server in serve(studies, model, tmp_path / "log"):
        assert requests.post(
            f"{server.url}/batch/infer/prsmed", json={"prompt": FOUND, "save_label": True}, timeout=60
        ).ok
        deadline = time.monotonic() + 120
        while (status := requests.get(f"{server.url}/batch/infer", timeout=60).json()["status"]) != "DONE":
            assert status in ("SUBMITTED", "RUNNING")
            assert time.monotonic() < deadline
            time.sleep(0.5)
        objects = requests.get(f"{server.url}/datastore/?output=all", timeout=60).json()["objects"]
        assert all("original" in image["labels"] for image in objects.values())
        info = objects["nifti"]["labels"]["original"]["info"]
        assert info["params"]["question"] == FOUND


def children_of(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def test_the_end_leaves_no_process_and_no_file(private: ServerProcess, tmp_path: Path) -> None:
    """SIGTERM while a stream is open, questions wait and a batch runs in a process of its own."""
    url, pid = private.url, private.pid
    requests.post(
        f"{url}/batch/infer/prsmed",
        json={"prompt": FOUND, "mode": "volume"},
        timeout=60,
    )
    asking = [threading.Thread(target=_ask_quietly, args=(url,)) for _ in range(3)]
    for thread in asking:
        thread.start()
    opened = requests.post(f"{url}/ask/big", json={"prompt": FOUND, "mode": "volume"}, stream=True, timeout=60)
    next(opened.iter_lines())
    half = socket.create_connection((url.removeprefix("http://").split(":")[0], int(url.rsplit(":", 1)[1])))
    half.sendall(b"PUT /datastore/image HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900\r\n\r\nabc")
    while not (children := children_of(pid)):
        time.sleep(0.1)
    scratch = list(Path("/tmp").glob(f"prsmed-server-{pid}-*"))
    assert len(scratch) == 1
    os.kill(pid, 15)
    assert private.wait() in (0, -15)
    half.close()
    for thread in asking:
        thread.join(10)
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []
    assert not scratch[0].exists()


def _ask_quietly(url: str) -> None:
    with contextlib.suppress(requests.ConnectionError):
        ask(url, "big", mode="volume")


@pytest.mark.parametrize(
    ("name", "value"), [("MAX_UPLOAD_MB", "many"), ("MAX_WAITING", "-1"), ("OPEN", "proxy,windows")]
)
def test_a_setting_that_cannot_be_is_told(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"PRSMED_{name}", value)
    with pytest.raises(PRSMedError, match=f"PRSMED_{name}=") as caught:
        server_settings.__wrapped__()
    assert caught.value.code == "bad_setting"


def test_a_server_with_a_bad_setting_does_not_start(studies: Path, model: Path, tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match=r"PRSMED_API_KEYS=.*cannot be read: No such file"):
        next(serve(studies, model, tmp_path / "log", PRSMED_API_KEYS=str(tmp_path / "none")))


def test_every_setting_is_in_the_manual() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    for name, field in ServerSettings.model_fields.items():
        row = next(line for line in manual.splitlines() if line.startswith(f"| `PRSMED_{name.upper()}`"))
        if isinstance(field.default, int | float):
            assert f"| {field.default} |" in row
