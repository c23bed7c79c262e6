"""An answer comes in pieces, in their order; a conversation goes on; who leaves is forgotten."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import requests
from running import ask, metric, parts, read_events, stream
from tiny_model import FOUND, MISSED

from prsmed.imaging import read_volume

pytestmark = pytest.mark.slow

LONG = {"prompt": FOUND, "mode": "volume"}


@pytest.fixture(scope="module")
def big(studies: Path) -> Iterator[str]:
    """An image that takes seconds."""
    file = studies / "big.nii.gz"
    nib.save(nib.Nifti1Image(np.zeros((32, 32, 600), np.int16), np.eye(4)), file)
    yield "big"
    file.unlink()


def test_mask_first_then_words_then_all_of_it(url: str, tmp_path: Path) -> None:
    events = stream(url, "nifti", slice=5)
    names = [name for name, _ in events]
    told = [name for name in names if name != "queued"]
    assert told == ["mask", *["token"] * (len(told) - 2), "answer"]
    assert names[0] == "queued"
    mask, answer = dict(events)["mask"], events[-1][1]
    assert "".join(content["text"] for name, content in events if name == "token") == answer["answer"]
    assert mask["findings"] == answer["findings"]
    assert mask["view"] == answer["view"]
    file = tmp_path / mask["mask"]["name"]
    file.write_bytes(base64.b64decode(mask["mask"]["base64"]))
    _, plain = parts(ask(url, "nifti", slice=5))
    (tmp_path / "plain.nii.gz").write_bytes(plain or b"")
    np.testing.assert_array_equal(read_volume(file).voxels, read_volume(tmp_path / "plain.nii.gz").voxels)


def test_a_volume_tells_its_progress(url: str) -> None:
    events = stream(url, "nifti", mode="volume")
    progress = [(content["done"], content["total"]) for name, content in events if name == "progress"]
    assert progress == [(6, 12), (12, 12)]
    assert events[-1][0] == "answer"


def test_no_mask_is_told_too(url: str) -> None:
    events = dict(stream(url, "nifti", prompt=MISSED))
    assert events["mask"]["mask"] is None
    assert events["answer"]["findings"] == []


@pytest.mark.parametrize(
    ("image", "params", "status", "code"),
    [
        ("nothing", {}, 404, "unknown_image"),
        ("nifti", {"slice": 99}, 400, "slice_out_of_range"),
        ("nifti", {"prompt": " "}, 400, "empty_question"),
        ("nifti", {"conversation": "x"}, 404, "unknown_conversation"),
    ],
)
def test_a_mistake_is_told_before_the_stream_begins(
    url: str, image: str, params: dict[str, object], status: int, code: str
) -> None:
    response = requests.post(f"{url}/ask/{image}", json={"prompt": FOUND, **params}, timeout=60)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert requests.get(f"{url}/queue", timeout=60).json()["waiting"] == 0


@pytest.mark.parametrize("body", ["[]", "{", '"x"', ""])
def test_a_body_that_is_no_object(url: str, body: str) -> None:
    headers = {"content-type": "application/json"}
    response = requests.post(f"{url}/ask/nifti", data=body, headers=headers, timeout=60)
    assert (response.status_code, response.json()["error"]["code"]) == (422, "invalid_request")


def test_a_conversation_goes_on_by_its_id(url: str) -> None:
    first, _ = parts(ask(url, "nifti"))
    again = stream(url, "nifti", conversation=first["conversation"])[-1][1]
    assert again["conversation"] == first["conversation"]
    assert ask(url, "photo", conversation=first["conversation"]).status_code == 404
    other, _ = parts(ask(url, "nifti"))
    assert other["conversation"] != first["conversation"]


def test_who_leaves_is_cancelled(url: str, big: str) -> None:
    answered = metric(url, "prsmed_wait_seconds_count")
    with requests.post(f"{url}/ask/{big}", json={**LONG, "ticket": "leaving"}, stream=True, timeout=60) as response:
        next(read_events(response))
    _wait_until_idle(url)
    params = {"params": (None, json.dumps(LONG))}
    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{url}/infer/prsmed", params={"image": big}, files=params, timeout=0.5)
    _wait_until_idle(url)
    assert requests.get(f"{url}/queue/leaving", timeout=60).status_code == 404
    assert metric(url, "prsmed_wait_seconds_count") == answered


def test_a_question_is_cancelled_by_its_ticket(url: str, big: str) -> None:
    statuses: list[tuple[int, str]] = []

    def long_question() -> None:
        response = ask(url, big, **LONG, ticket="mine")
        statuses.append((response.status_code, response.json()["error"]["code"]))

    thread = threading.Thread(target=long_question)
    thread.start()
    while requests.get(f"{url}/queue/mine", timeout=60).status_code != 200:
        time.sleep(0.005)
    assert requests.delete(f"{url}/queue/mine", timeout=60).json() == {"cancelled": True}
    thread.join(30)
    assert statuses == [(409, "cancelled")]
    assert requests.delete(f"{url}/queue/mine", timeout=60).json()["error"]["code"] == "unknown_ticket"


def _wait_until_idle(url: str) -> None:
    deadline = time.monotonic() + 10
    while requests.get(f"{url}/queue", timeout=60).json() != {"running": 0, "waiting": 0, "max_waiting": 32}:
        assert time.monotonic() < deadline, "a question goes on although nobody waits for it"
        time.sleep(0.05)


def test_an_image_that_is_there_for_a_while_streams_too(url: str, studies_folder: Path) -> None:
    with (studies_folder / "nrrd.nrrd").open("rb") as file:
        session = requests.put(f"{url}/session/", files={"files": ("nrrd.nrrd", file)}, timeout=60).json()["session_id"]
    by_session = {"session_id": session}
    with requests.post(f"{url}/ask/", params=by_session, json={"prompt": FOUND}, stream=True, timeout=300) as response:
        events = [*read_events(response)]
    assert events[-1][0] == "answer"
    assert events[-1][1]["answer"] == stream(url, "nrrd")[-1][1]["answer"]
    unknown = {"session_id": "0" * 8 + "-0000-0000-0000-" + "0" * 12}
    refused = requests.post(f"{url}/ask/", params=unknown, json={"prompt": FOUND}, timeout=60)
    assert refused.status_code == 404
    assert refused.json()["error"]["code"] == "unknown_image"
    assert requests.get(f"{url}/queue", timeout=30).json()["waiting"] == 0
