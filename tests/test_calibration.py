from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from prsmed.calibration import calibrate
from prsmed.cli import app
from prsmed.errors import PRSMedError
from prsmed.model.checkpoint import load_checkpoint, read_manifest, save_checkpoint
from prsmed.model.prsmed import PRSMed
from prsmed.training.aside import set_aside

COLUMNS = ("modality", "dataset", "target", "image", "mask", "split", "group", "licence_data")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty training pictures of thirty patients, of which three are set aside, and one held out."""
    root = tmp_path_factory.mktemp("data")
    (root / "pairs").mkdir()
    rng, rows = np.random.default_rng(0), []
    for number in range(31):
        pixels, mask = rng.integers(0, 120, (40, 40), dtype=np.uint8), np.zeros((40, 40), dtype=bool)
        mask[5:15, 20:30] = True
        for kind, array in (("image", pixels), ("mask", mask)):
            Image.fromarray(array).save(root / f"pairs/{kind}{number}.png")
        split = "shared-val" if number == 30 else "shared-train"
        names = (f"image{number}.png", f"mask{number}.png")
        rows.append(("brain_mri", "made", "brain tumour", *names, split, f"g{number}", "CC0"))
    with (root / "pairs/index.csv").open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return root


@pytest.fixture
def checkpoint(data: Path, make_tiny: Callable[..., PRSMed], tmp_path: Path) -> Callable[..., Path]:
    def write(**changes: Any) -> Path:
        sha256 = hashlib.sha256((data / "pairs/index.csv").read_bytes()).hexdigest()
        facts = {"select": "train", "phantoms": 0, "seed": 0, "data_sha256": sha256} | changes
        save_checkpoint(make_tiny(), tmp_path / "checkpoint", "tiny-1", facts)
        return tmp_path / "checkpoint"

    return write


def quiet(done: int, total: int) -> None:
    """No progress shown."""


def test_a_copy_answers_with_what_was_fitted(data: Path, checkpoint: Callable[..., Path], tmp_path: Path) -> None:
    folder = checkpoint()
    before = read_manifest(folder)
    found = calibrate(folder, data, tmp_path / "new", quiet)
    model, manifest = load_checkpoint(tmp_path / "new")
    assert manifest == found.manifest
    assert isinstance(model, PRSMed)
    assert (model.config.presence_temperature, model.config.presence_threshold) == (
        found.after.temperature,
        found.after.threshold,
    )
    assert (manifest.sha256, manifest.version) == (before.sha256, before.version)
    assert read_manifest(folder) == before
    assert manifest.calibration["questions"] == manifest.calibration["present"] + manifest.calibration["absent"]
    again = calibrate(tmp_path / "new", data, None, quiet)
    assert asdict(again.before) == pytest.approx(asdict(found.after), rel=1e-4)  # probabilities of single precision
    assert again.after.temperature == pytest.approx(found.after.temperature, rel=1e-3)


def test_only_images_set_aside_are_asked(
    data: Path, checkpoint: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import prsmed.calibration as module

    records: list[str] = []
    real = module.interview
    monkeypatch.setattr(module, "interview", lambda record, *rest: records.append(record.image) or real(record, *rest))
    calibrate(checkpoint(), data, None, quiet)
    trained = [record for record in module.all_records(data, 0, 0) if record.split == "train"]
    assert records == [record.image for record in set_aside(trained)[1]]
    assert len(records) == 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"select": "val"}, "select=train", id="nothing set aside"),
        pytest.param({"init": "nano-1"}, "'init'", id="started from others' weights"),
        pytest.param({"adapted": {}}, "'adapted'", id="adapted"),
        pytest.param({"data_sha256": "0"}, "not the data", id="other data"),
    ],
)
def test_a_model_that_may_have_seen_the_images_is_refused(
    changes: dict[str, Any], words: str, data: Path, checkpoint: Callable[..., Path]
) -> None:
    folder = checkpoint(**changes)
    before = (folder / "manifest.json").read_bytes()
    with pytest.raises(PRSMedError, match=words) as error:
        calibrate(folder, data, None, quiet)
    assert error.value.code == "bad_calibration"
    assert (folder / "manifest.json").read_bytes() == before


def test_the_command_prints_what_the_manifest_records(data: Path, checkpoint: Callable[..., Path]) -> None:
    folder = checkpoint()
    done = CliRunner().invoke(app, ["calibrate", str(folder), "--data", str(data), "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout) == read_manifest(folder).calibration


def test_the_temperature_divides_the_logits(make_tiny: Callable[..., PRSMed]) -> None:
    import torch

    logits = []
    for temperature in (1.0, 2.5):
        model = make_tiny(presence_temperature=temperature)
        seen = model.see(torch.zeros(1, 3, model.config.image_size, model.config.image_size))
        prompt = model.read(seen, model.language.encode_questions(["Where is the tumour?"]))
        logits.append(float(model.draw(seen, prompt, model.config.image_size)[0].presence_logits))
    assert logits[0] == pytest.approx(2.5 * logits[1])
