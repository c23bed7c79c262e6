"""From corrections of real images over HTTP to a verdict: what is better goes live, a bad batch does not; with nano.

The short way takes 24 steps and a few images of each kind: the model learns little of what is corrected, and so little
of a bad batch that it may pass; then it must not be worse at what it was taught. PRSMED_LEARNING=full trains as a user
would and asks for the promotion, and for the rejection of the bad batch (tens of minutes on one core).
"""

from __future__ import annotations

import csv
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import requests
from numpy.typing import NDArray
from running import ask, parts, serve

from prsmed.evaluation.statistics import Sample, mean
from prsmed.imaging import read_volume
from prsmed.learning.held_out import is_held_out
from prsmed.learning.registry import Registry
from prsmed.model.checkpoint import find_checkpoint

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]

IS_FULL = os.environ.get("PRSMED_LEARNING") == "full"
QUESTION, CORRECTIONS = "Where is the hippocampus?", 20
STEPS, MARGIN, IMAGES = (160, "0.02", 60) if IS_FULL else (24, "0.02", 6)
LEAST_HELD_OUT = 5  # of the corrections, so that the gate has cases enough of them


@dataclass(frozen=True)
class Study:
    """A volume with the mask of its hippocampus, front and back together."""

    name: str
    voxels: NDArray[np.int16]
    mask: NDArray[np.uint8]
    affine: NDArray[np.float64]

    def mirrored(self, name: str) -> Study:
        """The other side's hippocampus, nearly: another patient for a model."""
        return Study(name, self.voxels[::-1].copy(), self.mask[::-1].copy(), self.affine)


@pytest.fixture(scope="module")
def studies(shared_data: Path) -> list[Study]:
    """The hippocampus, which nano was never shown."""
    folder = shared_data / "volumes" / "msd_hippocampus"
    if not folder.is_dir():
        pytest.skip("the hippocampus volumes are not there")
    images = sorted((folder / "images").glob("*.nii.gz"))
    found = []
    for name, image in zip(names_for(len(images)), images, strict=True):
        volume, label = read_volume(image), read_volume(folder / "labels" / image.name)
        found.append(Study(name, volume.voxels.astype(np.int16), (label.voxels > 0).astype(np.uint8), volume.affine))
    return found


def names_for(count: int) -> list[str]:
    """Names of studies; which are kept for the gate hangs on them."""
    for hospital in ascii_lowercase:
        names = [f"{hospital}{number:02}" for number in range(count)]
        if sum(map(is_held_out, names[:CORRECTIONS])) == LEAST_HELD_OUT:
            return names
    raise AssertionError("no name fits")


@pytest.fixture(scope="module")
def replay(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The images nano was trained on; a few held-out ones of each kind."""
    with (shared_data / "pairs" / "index.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    seen: dict[str, int] = {}
    kept = []
    for row in rows[:: 1 if IS_FULL else 7]:
        seen[row["modality"]] = seen.get(row["modality"], 0) + (row["split"] == "shared-val")
        if row["split"] == "shared-train" or seen[row["modality"]] <= IMAGES:
            kept.append(row)
    pairs = tmp_path_factory.mktemp("replay") / "pairs"
    pairs.mkdir()
    for name in {row["modality"] for row in kept}:
        (pairs / name).symlink_to(shared_data / "pairs" / name)
    with (pairs / "index.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(kept)
    return pairs.parent


@pytest.fixture
def url(studies: list[Study], replay: Path, tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "studies"
    folder.mkdir()
    for study in [*studies, *(study.mirrored(f"m{study.name}") for study in studies)]:
        nib.save(nib.Nifti1Image(study.voxels, study.affine), folder / f"{study.name}.nii.gz")
    settings = {
        "PRSMED_REPLAY": str(replay),
        "PRSMED_GATE_MARGIN": MARGIN,
        "PRSMED_SCORING": "off",
        "PRSMED_VERSIONS": str(tmp_path / "versions"),
    }
    for server in serve(folder, Path("nano"), tmp_path / "log", **settings):
        yield server.url


def correct(url: str, study: Study, mask: NDArray[np.uint8]) -> None:
    content = nib.Nifti1Image(mask, study.affine).to_bytes()
    params = {"label_names": {"hippocampus": 1}, "question": QUESTION}
    response = requests.put(
        f"{url}/datastore/label?image={study.name}&tag=final",
        files={"label": ("label.nii", content), "params": (None, json.dumps(params))},
        timeout=60,
    )
    assert response.ok, response.text


def train(url: str, **params: Any) -> dict[str, Any]:
    assert requests.post(f"{url}/train/prsmed", json=params, timeout=60).ok
    while True:
        stats: dict[str, Any] = requests.get(f"{url}/train/prsmed/stats", timeout=60).json()
        if stats["status"] in ("done", "failed", "stopped"):
            assert stats["status"] == "done", stats
            return stats
        time.sleep(1)


def live(url: str) -> str:
    """What answers, once the server has noticed a change."""
    time.sleep(4)
    told = requests.get(f"{url}/versions", timeout=60).json()
    assert told["serving"] == told["live"]
    return str(told["live"])


def dices(url: str, studies: list[Study], folder: Path) -> dict[str, float]:
    """Dice of each volume, asked as a whole over HTTP."""
    found = {}
    for study in studies:
        _, content = parts(ask(url, study.name, prompt=QUESTION, mode="volume"))
        drawn = np.zeros(1, np.bool_)
        if content is not None:
            (folder / "mask.nii.gz").write_bytes(content)
            drawn = read_volume(folder / "mask.nii.gz").voxels > 0
        found[study.name] = float(2 * (drawn & (study.mask > 0)).sum() / (drawn.sum() + study.mask.sum()))
    return found


def row_of(folder: Path, version: str) -> dict[str, Any]:
    """What the gate saw of the corrected target, on studies kept for it."""
    entry = Registry(folder / "versions", find_checkpoint("nano")).entry(version)
    assert entry is not None
    return next(row for row in entry.verdict["rows"] if row["modality"].startswith("corrected hippocampus"))


def test_what_is_corrected_is_learnt_and_a_bad_batch_never_answers(
    url: str, studies: list[Study], tmp_path: Path
) -> None:
    taught, never_shown = studies[:CORRECTIONS], studies[CORRECTIONS:]
    before = dices(url, never_shown, tmp_path)
    for study in taught:
        correct(url, study, study.mask)
    good = train(url, steps=STEPS)
    first = live(url)
    learnt = row_of(tmp_path, good["version"])
    assert (good["version"], good["corrections"], learnt["groups"]) == ("nano-2", CORRECTIONS, LEAST_HELD_OUT)
    assert learnt["low"] > 0, "held-out Dice of the target has risen, by paired bootstrap"
    assert good["outcome"]["promoted"] == (first == "nano-2")
    after = dices(url, never_shown, tmp_path)
    if IS_FULL:
        assert good["outcome"]["promoted"], good["outcome"]
        gain = mean(Sample([after[name] - before[name] for name in after], list(after)))
        assert gain.low is not None
        assert gain.low > 0
    if first == "nano-1":
        assert after == before, "a rejected model answers nothing"
    # As many further studies, by a reader whose masks lie half the volume away.
    for study in taught:
        other = study.mirrored(f"m{study.name}")
        correct(url, other, np.roll(other.mask, other.mask.shape[1] // 2, axis=1))
    bad = train(url, steps=STEPS)
    passed, then = bad["outcome"]["promoted"], live(url)
    assert not (IS_FULL and passed), bad["outcome"]
    assert then == (bad["version"] if passed else first)
    if passed:
        assert row_of(tmp_path, bad["version"])["difference"] > -float(MARGIN), "what was learnt before is kept"
    else:
        assert bad["outcome"]["reason"].startswith("rejected: ")
        assert dices(url, never_shown, tmp_path) == after, "the live version is unchanged"
    back = requests.post(f"{url}/versions/rollback", json={"reason": "to see that it works"}, timeout=60)
    assert back.status_code == (200 if then != "nano-1" else 409)
    assert live(url) == (first if passed else "nano-1")
    told = {event["what"] for event in requests.get(f"{url}/versions/log", timeout=60).json()}
    assert {"added", "promoted" if passed else "rejected"} <= told
