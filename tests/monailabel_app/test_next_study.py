"""Active learning over HTTP, with MONAI Label's own client too."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from monailabel.client import MONAILabelClient
from running import ask, serve
from tiny_model import MISSED

from prsmed.learning.strategies import STRATEGIES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(studies_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(shutil.copytree(studies_folder, tmp_path_factory.mktemp("next") / "studies"))
    (folder / "broken.nii.gz").write_bytes(b"no image")
    return folder


@pytest.fixture(scope="module")
def server(folder: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log = tmp_path_factory.mktemp("log") / "server.log"
    for server in serve(folder, model, log, PRSMED_LEASE_MINUTES="0.05"):
        yield server.url
        text = log.read_text()
        assert "kidney" not in text, "a question is in the log"
        assert "Traceback" not in text


@pytest.fixture(autouse=True)
def _nobody_holds_anything() -> Iterator[None]:
    yield
    time.sleep(3.1)


def next_study(server: str, strategy: str, /, **params: object) -> dict[str, Any]:
    answer = requests.post(f"{server}/activelearning/{strategy}", json=params, timeout=60)
    answer.raise_for_status()
    return dict(answer.json())


def scores(server: str) -> dict[str, Any]:
    answer = requests.get(f"{server}/activelearning/scores", timeout=60)
    answer.raise_for_status()
    return dict(answer.json())


def wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.1)


def wait_until_scored(server: str) -> dict[str, Any]:
    def is_done() -> bool:
        told = scores(server)
        return bool(told["done"] == told["total"])

    wait_until(is_done)
    return scores(server)


def test_everything_is_scored_by_itself(server: str, folder: Path) -> None:
    told = wait_until_scored(server)
    assert (told["version"], told["total"], told["running"], told["question"]) == ("tiny-1", 6, True, None)
    assert set(told["scores"]["nifti"]) == {"question", *STRATEGIES} - {"random", "first"}
    assert set(told["scores"]["broken"]) == {"error"}
    wait_until((folder / "scores.json").exists)  # written when the round ends, a moment after its last image
    listed = requests.get(f"{server}/datastore/?output=all", timeout=60).json()
    assert "scores" not in listed["objects"]


def test_every_strategy_is_listed_and_answers(server: str) -> None:
    wait_until_scored(server)
    assert set(requests.get(f"{server}/info/", timeout=60).json()["strategies"]) == set(STRATEGIES)
    given = [next_study(server, strategy, client_id=strategy) for strategy in STRATEGIES]
    found = [each for each in given if "id" in each]
    assert len({each["id"] for each in found}) == len(found) == 5
    for each in found:
        assert {"path", "name", "ts", "reason", "score", "lease_seconds", "strategy"} <= set(each)
        assert each["strategy"] in STRATEGIES
    assert all(set(each) == {"reason", "skipped"} for each in given[5:])


def test_a_question_of_ones_own(server: str) -> None:
    wait_until_scored(server)
    assert "is scored yet" in next_study(server, "presence", prompt=MISSED)["reason"]
    time.sleep(5)
    found = next_study(server, "presence", prompt=MISSED)
    assert found["question"] == MISSED
    assert "stone" in found["reason"]


def test_the_stock_client(server: str, tmp_path: Path) -> None:
    one, other = (MONAILabelClient(server, tmpdir=str(tmp_path), client_id=name) for name in ("a", "b"))
    first, second = one.next_sample("first", {}), other.next_sample("random", {})
    assert first["id"] != second["id"]
    assert Path(first["path"]).is_file()
    kept = one.datastore()["objects"][first["id"]]["image"]["info"]["strategy"]["first"]
    assert kept["client_id"] == "a"


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("luck", {}, 404, "unknown_strategy"),
        ("..%2f..%2fetc", {}, 404, "not_found"),
        ("first", {"prompt": 3}, 400, "bad_params"),
        ("first", {"prompt": "x" * 300}, 400, "question_too_long"),
        ("first", {"prompt": "\ud800"}, 400, "bad_params"),
        ("first", {"client_id": ["a"]}, 400, "bad_params"),
        ("first", {"client_id": "x" * 300}, 400, "bad_params"),
        ("first", [], 422, "invalid_request"),
        ("first", "text", 422, "invalid_request"),
    ],
)
def test_refused(server: str, path: str, body: Any, status: int, code: str) -> None:
    answer = requests.post(f"{server}/activelearning/{path}", json=body, timeout=60)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    if code == "unknown_strategy":
        assert all(name in answer.json()["error"]["message"] for name in STRATEGIES)


def test_what_the_body_says_beside_is_ignored(server: str) -> None:
    """Stock clients send more, and none of it may name another strategy."""
    found = next_study(server, "first", strategy="luck", label_tag="x", labels=[1], model="y", extra={"deep": [1]})
    assert found["strategy"] == "first"


def test_questions_are_answered_while_images_are_scored(server: str, folder: Path) -> None:
    for number in range(12):
        shutil.copy(folder / "nifti.nii.gz", folder / f"more{number}.nii.gz")
    end = time.monotonic() + 30
    while scores(server)["total"] < 18:
        assert time.monotonic() < end
        time.sleep(0.1)
    began = time.monotonic()
    assert ask(server, "nifti", slice=5).status_code == 200
    assert time.monotonic() - began < 10
    assert wait_until_scored(server)["done"] == 18


def test_a_restart_keeps_the_scores(folder: Path, model: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(folder, tmp_path / "studies"))
    kept = (copied / "scores.json").read_bytes()
    for server in serve(copied, model, tmp_path / "log"):
        told = wait_until_scored(server.url)
        assert told["done"] == told["total"]
    assert len(kept) > 1000


def test_scoring_can_be_switched_off(studies_folder: Path, model: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(studies_folder, tmp_path / "studies"))
    for server in serve(copied, model, tmp_path / "log", PRSMED_SCORING="off"):
        assert not scores(server.url)["running"]
        found = next_study(server.url, "entropy")
        assert "does not score images" in found["reason"]
    assert not (copied / "scores.json").exists()
