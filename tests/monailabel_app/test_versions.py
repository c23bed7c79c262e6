"""The server answers with the live version: swapped by a client, by another process, never by damaged files."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import requests
from running import ask, parts, read_events, serve
from tiny_model import FOUND
from versions_made import learn

from monailabel_app.guard.api_keys import add_key
from monailabel_app.process import ServerProcess
from prsmed.learning.registry import Registry

pytestmark = pytest.mark.slow

NOTICED_SECONDS = 10.0  # two, where other processes leave some of the machine


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("versions")
    studies = place / "studies"
    studies.mkdir()
    for name, depth in (("nifti", 6), ("big", 900)):
        nib.save(nib.Nifti1Image(np.zeros((32, 32, depth), np.int16), np.eye(4)), studies / f"{name}.nii.gz")
    return place


@pytest.fixture(scope="module")
def registry(place: Path, model: Path) -> Registry:
    return Registry(place / "registry", model)


@pytest.fixture(scope="module")
def learnt(registry: Registry, place: Path) -> str:
    """A version that has passed the gate."""
    return learn(registry, place)


@pytest.fixture
def on_learnt(server: ServerProcess, registry: Registry, learnt: str) -> str:
    """It answers."""
    registry.promote(learnt, "test")
    wait_for(lambda: get(server.url, "/versions")["serving"] == learnt, NOTICED_SECONDS)
    return learnt


@pytest.fixture
def on_base(server: ServerProcess, registry: Registry, learnt: str) -> str:
    """The base answers."""
    registry.promote("tiny-1", "test")
    wait_for(lambda: get(server.url, "/versions")["serving"] == "tiny-1", NOTICED_SECONDS)
    return "tiny-1"


@pytest.fixture(scope="module")
def server(place: Path, model: Path, registry: Registry) -> Iterator[ServerProcess]:
    yield from serve(place / "studies", model, place / "log", PRSMED_VERSIONS=str(registry.folder))


def answering(url: str) -> str:
    told, _ = parts(ask(url, "nifti", output="json", slice=2))
    return str(told["model"]["version"])


def get(url: str, path: str) -> Any:
    response = requests.get(f"{url}{path}", timeout=60)
    response.raise_for_status()
    return response.json()


def post(url: str, path: str, body: object = None, key: str = "") -> requests.Response:
    return requests.post(f"{url}/versions/{path}", json=body, headers={"X-API-Key": key} if key else {}, timeout=60)


def wait_for(what: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, f"not within {seconds} seconds"
        time.sleep(0.05)


def test_without_a_version_the_base_answers(server: ServerProcess) -> None:
    assert answering(server.url) == "tiny-1"
    told = get(server.url, "/versions")
    assert (told["live"], told["serving"], told["problem"]) == ("tiny-1", "tiny-1", None)
    assert [version["version"] for version in told["versions"]] == ["tiny-1"]
    assert get(server.url, "/versions/log") == []
    response = post(server.url, "rollback")
    assert (response.status_code, response.json()["error"]["code"]) == (409, "nothing_to_roll_back")


@pytest.mark.usefixtures("on_learnt")
def test_a_promotion_drops_no_question(server: ServerProcess) -> None:
    body = {"prompt": FOUND, "mode": "volume"}
    with requests.post(f"{server.url}/ask/big", json=body, stream=True, timeout=300) as running:
        events = read_events(running)
        next(event for event in events if event[0] == "progress")
        told = post(server.url, "tiny-1/promote", {"reason": "to see it swap"}).json()
        assert (told["live"], told["serving"]) == ("tiny-1", "tiny-1")
        after: list[str] = []
        next_question = threading.Thread(target=lambda: after.append(answering(server.url)))
        next_question.start()
        name, answer = list(events)[-1]
    next_question.join(120)
    assert name == "answer"
    assert answer["model"]["version"] == "tiny-2", "a running question changed its model"
    assert after == ["tiny-1"]
    assert get(server.url, "/info/")["models"]["prsmed"]["version"]["version"] == "tiny-1"


@pytest.mark.usefixtures("on_base")
def test_what_another_process_does_is_noticed(server: ServerProcess, registry: Registry) -> None:
    command = [sys.executable, "-c", "from prsmed.cli import main; main()", "models", "promote", "tiny-2", "--json"]
    environment = {**os.environ, "PRSMED_VERSIONS": str(registry.folder)}
    done = subprocess.run(command, env=environment, capture_output=True, timeout=120, check=True)
    assert json.loads(done.stdout)["live"] == "tiny-2"
    wait_for(lambda: answering(server.url) == "tiny-2", NOTICED_SECONDS)


def test_a_version_that_did_not_pass_is_refused(
    server: ServerProcess, registry: Registry, place: Path, on_learnt: str
) -> None:
    name = learn(registry, place, is_good=False)
    response = post(server.url, f"{name}/promote")
    assert (response.status_code, response.json()["error"]["code"]) == (409, "gate_rejected")
    assert "fell from 0.500 to 0.300" in response.json()["error"]["message"]
    assert answering(server.url) == on_learnt


@pytest.mark.usefixtures("on_base", "on_learnt")
def test_rollback_and_what_is_written_of_it(server: ServerProcess) -> None:
    told = post(server.url, "rollback", {"reason": "worse in the clinic"}).json()
    assert (told["live"], told["serving"], answering(server.url)) == ("tiny-1", "tiny-1", "tiny-1")
    newest = get(server.url, "/versions/log?limit=1")
    assert [(event["what"], event["version"], event["reason"]) for event in newest] == [
        ("rolled back", "tiny-2", "worse in the clinic")
    ]


@pytest.mark.usefixtures("learnt")
def test_two_versions_side_by_side(server: ServerProcess) -> None:
    found = get(server.url, "/versions/tiny-1/diff/tiny-2")
    assert found["metrics"]["dice"] == {"a": 0.5, "b": 0.6}
    assert found["data"]["corrections"] == {"a": None, "b": 7}


@pytest.mark.parametrize("damage", ["bits", "config"])
@pytest.mark.usefixtures("on_base")
def test_a_damaged_version_is_refused_and_the_old_one_stays(
    server: ServerProcess, registry: Registry, place: Path, damage: str
) -> None:
    name = learn(registry, place)
    wait_for(lambda: answering(server.url) == name, NOTICED_SECONDS)
    registry.promote("tiny-1", "test")
    wait_for(lambda: answering(server.url) == "tiny-1", NOTICED_SECONDS)
    folder = registry.get(name).path
    if damage == "bits":
        whole = (folder / "model.safetensors").read_bytes()
        (folder / "model.safetensors").write_bytes(whole[:-4] + b"oops")
        response = post(server.url, f"{name}/promote")
        assert (response.status_code, response.json()["error"]["code"]) == (409, "damaged_version")
        assert "model.safetensors has sha256" in response.json()["error"]["message"]
        assert get(server.url, "/versions")["problem"] is None
    else:  # every hash is right, and yet it builds no model
        text = (folder / "manifest.json").read_text().replace('"neck_dim": 16', '"neck_dim": 17')
        (folder / "manifest.json").write_text(text)
        told = post(server.url, f"{name}/promote").json()
        assert (told["live"], told["serving"]) == (name, "tiny-1")
        assert name in told["problem"]
        assert "do not fit" in told["problem"]
        assert answering(server.url) == "tiny-1"
        assert post(server.url, "rollback").json()["problem"] is None
    assert answering(server.url) == "tiny-1"


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("tiny-99/promote", None, 404, "unknown_version"),
        ("..%2Fbase/promote", None, 404, "not_found"),
        (".hidden/promote", None, 422, "invalid_request"),
        ("tiny-2/promote", {"reason": "x" * 501}, 422, "invalid_request"),
        ("tiny-2/promote", {"reason": 5}, 422, "invalid_request"),
        ("tiny-2/promote", {"force": True}, 422, "invalid_request"),
        ("tiny-2/promote", ["x"], 422, "invalid_request"),
        ("rollback", "x", 422, "invalid_request"),
    ],
)
def test_mistakes(server: ServerProcess, path: str, body: object, status: int, code: str) -> None:
    response = post(server.url, path, body)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)


def test_mistakes_of_readers(server: ServerProcess) -> None:
    for path, status in (("log?limit=0", 422), ("log?limit=x", 422), ("tiny-1/diff/tiny-99", 404)):
        assert requests.get(f"{server.url}/versions/{path}", timeout=60).status_code == status


@pytest.mark.usefixtures("learnt")
def test_who_may_do_what(place: Path, model: Path, registry: Registry) -> None:
    keys = {role: add_key(place / "keys", role, role) for role in ("user", "reviewer", "admin")}
    settings = {"PRSMED_VERSIONS": str(registry.folder), "PRSMED_API_KEYS": str(place / "keys")}
    registry.promote("tiny-2", "test")
    for server in serve(place / "studies", model, place / "log-keys", **settings):
        for path in ("tiny-1/promote", "rollback"):
            assert post(server.url, path).status_code == 401
            assert [post(server.url, path, key=keys[role]).status_code for role in ("user", "reviewer")] == [403, 403]
        told = requests.get(f"{server.url}/versions", headers={"X-API-Key": keys["user"]}, timeout=60).json()
        assert (told["live"], told["serving"]) == ("tiny-2", "tiny-2"), "the live version is there after a restart"
        assert post(server.url, "tiny-1/promote", key=keys["admin"]).json()["live"] == "tiny-1"
    assert (registry.log()[0].who, registry.log()[0].what) == ("admin", "promoted")


@pytest.mark.usefixtures("learnt")
def test_killed_while_it_swaps_and_started_on_what_is_damaged(place: Path, model: Path, registry: Registry) -> None:
    settings = {"PRSMED_VERSIONS": str(registry.folder)}
    for server in serve(place / "studies", model, place / "log-kill", **settings):
        for _ in range(3):
            post(server.url, "tiny-2/promote")
            post(server.url, "tiny-1/promote")
        threading.Thread(target=promote_into_nothing, args=(server.url,)).start()
        time.sleep(0.01)
        os.kill(server.pid, 9)
    registry.promote("tiny-2", "test")
    damaged = registry.live().path / "tokenizer.json"
    whole = damaged.read_bytes()
    damaged.write_bytes(b"{}")
    for server in serve(place / "studies", model, place / "log-damaged", **settings):
        told = get(server.url, "/versions")
        assert (told["live"], told["serving"]) == ("tiny-2", "tiny-1")
        assert "tokenizer.json" in told["problem"]
        assert answering(server.url) == "tiny-1"
    damaged.write_bytes(whole)


def promote_into_nothing(url: str) -> None:
    with contextlib.suppress(requests.RequestException):
        post(url, "tiny-2/promote")
