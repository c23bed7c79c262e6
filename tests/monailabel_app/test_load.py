"""Many at once: nobody gets another's answer, nobody gets a 5xx, and nothing is left behind."""

from __future__ import annotations

import contextlib
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import psutil
import pytest
import requests
from running import ask, parts, read_events, serve
from tiny_model import FOUND, MISSED

from monailabel_app.process import ServerProcess
from prsmed.imaging import read_volume

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CLIENTS, REQUESTS, CANARIES = 50, 1000, 12


@pytest.fixture(scope="module")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Canaries: images that differ in size and content, so that a crossed answer shows."""
    place = tmp_path_factory.mktemp("load")
    (place / "studies").mkdir()
    for n in range(CANARIES):
        voxels = np.random.default_rng(n).normal(40, 20, (24 + n, 30, 5)).astype(np.int16)
        nib.save(nib.Nifti1Image(voxels, np.diag((1.0, 1.0, 2.0, 1.0))), place / "studies" / f"canary{n}.nii.gz")
    yield from serve(place / "studies", model, place / "log")


def told(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key not in ("latencies_ms", "conversation")}


def patiently(send: Any) -> requests.Response:
    """Again while the line is full, as a client should."""
    while (response := send()).status_code == 429:
        assert response.json()["error"]["code"] == "busy"
        time.sleep(float(response.headers["retry-after"]) / 20)
    return response


def good(url: str, n: int, expected: dict[str, Any], folder: Path) -> str:
    answer, mask = parts(patiently(lambda: ask(url, f"canary{n}", slice=2)))
    assert told(answer) == expected
    file = folder / f"{time.monotonic_ns()}.nii.gz"
    file.write_bytes(mask or b"")
    assert read_volume(file).shape == (24 + n, 30, 5)
    return "good"


def streamed(url: str, n: int, expected: dict[str, Any], folder: Path) -> str:
    body = {"prompt": FOUND, "slice": 2}
    response = patiently(lambda: requests.post(f"{url}/ask/canary{n}", json=body, stream=True, timeout=300))
    with response:
        name, answer = [*read_events(response)][-1]
    assert (name, told(answer)) == ("answer", expected)
    return "streamed"


def bad(url: str, n: int, expected: dict[str, Any], folder: Path) -> str:
    half = {"label": ("x.nii.gz", b"x")}
    send = random.choice(
        [
            lambda: ask(url, "nobody"),
            lambda: ask(url, f"canary{n}", slice=99),
            lambda: ask(url, f"canary{n}", prompt=""),
            lambda: requests.put(f"{url}/datastore/label?image=canary{n}", files=half, timeout=60),
            lambda: requests.get(f"{url}/datastore/image?image=..", timeout=60),
        ]
    )
    assert 400 <= send().status_code < 500
    return "bad"


def cancelled(url: str, n: int, expected: dict[str, Any], folder: Path) -> str:
    fields = {"params": (None, json.dumps({"prompt": MISSED, "mode": "volume"}))}
    body = {"prompt": FOUND, "mode": "volume"}
    with contextlib.suppress(requests.RequestException):
        if random.random() < 0.5:
            requests.post(f"{url}/infer/prsmed?image=canary{n}", files=fields, timeout=0.02)
        else:
            with requests.post(f"{url}/ask/canary{n}", json=body, stream=True, timeout=300) as response:
                next(read_events(response), None)
    return "cancelled"


def watched(url: str, n: int, expected: dict[str, Any], folder: Path) -> str:
    for path in ("info/", "datastore/", "queue", "metrics"):
        assert requests.get(f"{url}/{path}", timeout=60).ok
    return "watched"


def test_fifty_clients(server: ServerProcess, tmp_path: Path) -> None:
    url, process = server.url, psutil.Process(server.pid)
    expected = [told(parts(ask(url, f"canary{n}", slice=2))[0]) for n in range(CANARIES)]
    assert len({json.dumps(answer["findings"]) for answer in expected}) == CANARIES, "the canaries look alike"
    files = files_of(server)
    kinds = [good] * 9 + [streamed] * 4 + [bad] * 3 + [cancelled] * 3 + [watched]

    def run(count: int) -> Counter[str]:
        def one(number: int) -> str:
            n = number % CANARIES
            return kinds[number % len(kinds)](url, n, expected[n], tmp_path)

        with ThreadPoolExecutor(CLIENTS) as clients:
            return Counter(clients.map(one, range(count)))

    run(REQUESTS // 5)  # all threads are there, all caches full
    before = process.memory_info().rss
    done = run(REQUESTS)
    assert sum(done.values()) == REQUESTS
    assert set(done) == {kind.__name__ for kind in kinds}
    wait_until_idle(url)
    assert " 500 " not in server.log.read_text()
    assert " 503 " not in server.log.read_text()
    assert files_of(server) == files
    assert process.memory_info().rss <= 1.1 * before


def wait_until_idle(url: str) -> None:
    deadline = time.monotonic() + 30
    while (line := requests.get(f"{url}/queue", timeout=60).json())["running"] or line["waiting"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(0.5)


def files_of(server: ServerProcess) -> set[str]:
    scratch = Path("/tmp").glob(f"prsmed-server-{server.pid}-*")
    found = {str(path) for folder in (*scratch, Path(server.studies)) for path in folder.rglob("*")}
    # What the model makes of the images, in the background, is the server's own.
    return {path for path in found if not path.endswith("scores.json")}
