"""`prsmed info`, `import`, `assemble`: what a user sees."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from prsmed.cli import app
from prsmed.errors import PRSMedError

RUN = CliRunner()


@pytest.fixture(autouse=True)
def _no_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRSMED_PARTS", str(tmp_path / "parts"))


def refused(*words: str) -> PRSMedError:
    result = RUN.invoke(app, list(words))
    assert isinstance(result.exception, PRSMedError), result.output
    return result.exception


def test_info_lists_every_preset_with_its_licences() -> None:
    text = RUN.invoke(app, ["info"], env={"COLUMNS": "200"}).output
    for word in ("nano", "prs-med-sam-med2d-frozen", "medseg-r", "research only", "Llama 2"):
        assert word in text


def test_info_on_one_tells_parts_memory_and_what_to_import() -> None:
    text = RUN.invoke(app, ["info", "prs-med"], env={"COLUMNS": "240"}).output
    for word in ("13,631,488", "5,743,892", "To train:", "prsmed import llava-med FOLDER", "Apache-2.0"):
        assert word in text


def test_info_speaks_json() -> None:
    counts = json.loads(RUN.invoke(app, ["info", "text-frozen", "--json"]).output)
    assert sum(part["trainable"] for part in counts["text-frozen"]) == 0
    assert all("research use only" in part["licence"] for part in counts["text-frozen"])


def test_info_refuses_what_there_is_not() -> None:
    assert refused("info", "prs-mad").code == "unknown_preset"


def test_a_preset_from_scratch_is_not_assembled(tmp_path: Path) -> None:
    error = refused("assemble", "nano", "--out", str(tmp_path / "nano"))
    assert "prsmed train --preset nano" in str(error)
    assert not (tmp_path / "nano").exists()


def test_a_preset_whose_parts_are_missing_names_the_first(tmp_path: Path) -> None:
    error = refused("assemble", "prs-med", "--out", str(tmp_path / "made"))
    assert error.code == "part_not_found"
    assert "llava-med" in str(error)


@pytest.mark.parametrize("command", ["tinysam", "medsam", "sam-med2d"])
def test_a_file_that_is_not_there_is_named(command: str, tmp_path: Path) -> None:
    error = refused("import", command, str(tmp_path / "nowhere.pth"))
    assert error.code == "weights_not_found"
    assert "nowhere.pth" in str(error)


def test_the_wrong_file_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    torch.save({"some.weight": torch.zeros(2)}, tmp_path / "other.pth")
    error = refused("import", "tinysam", str(tmp_path / "other.pth"))
    assert error.code == "bad_weights"
    assert "other.pth" in str(error)
    assert not list((tmp_path / "parts").glob("*"))
