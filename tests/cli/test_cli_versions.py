"""`prsmed models`: what whoever runs a server sees and may do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from prsmed.cli import app
from prsmed.errors import PRSMedError
from prsmed.learning.gate import Score, compare
from prsmed.learning.registry import Registry
from prsmed.learning.version import VersionFacts
from prsmed.model.checkpoint import save_checkpoint
from prsmed.model.prsmed import PRSMed

RUN = CliRunner()


@pytest.fixture
def folder(make_tiny: Callable[..., PRSMed], tmp_path: Path) -> Path:
    """A registry with one version live, one rejected."""
    save_checkpoint(make_tiny(), tmp_path / "base", "tiny-1", {"steps": 5})
    registry = Registry(tmp_path / "registry", tmp_path / "base")
    for gain in (0.1, -0.2):
        checkpoint = Path(shutil.copytree(tmp_path / "base", tmp_path / "run"))
        live = registry.live().name
        version = registry.add(checkpoint, VersionFacts(live, corrections=4, who="ann"))
        before, after = ([Score(str(i), "skin", str(i), dice=0.5 + more) for i in range(12)] for more in (0, gain))
        registry.decide(version.name, compare(after, before), "ann", live)
    return registry.folder


def run(*words: str | Path) -> str:
    result = RUN.invoke(app, ["models", *map(str, words)], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.exception
    return result.stdout


def refused(*words: str | Path) -> PRSMedError:
    result = RUN.invoke(app, ["models", *map(str, words)])
    assert isinstance(result.exception, PRSMedError), result.output
    return result.exception


def test_list_shows_every_version_and_why(folder: Path) -> None:
    text = run("list", "--folder", folder)
    for words in ("tiny-2", "live", "tiny-3", "rejected", "skin (n=12) fell from 0.500 to 0.300", "tiny-1"):
        assert words in text


def test_the_folder_may_be_the_server_s_setting(folder: Path) -> None:
    result = RUN.invoke(app, ["models", "list", "--json"], env={"PRSMED_VERSIONS": str(folder)})
    told = json.loads(result.stdout)
    assert told["live"] == "tiny-2"
    assert [(one["version"], one["status"]) for one in told["versions"]] == [
        ("tiny-3", "rejected"),
        ("tiny-2", "live"),
        ("tiny-1", "kept"),
    ]


def test_roll_back_promote_and_read_the_log(folder: Path) -> None:
    words = ("--folder", folder, "--who", "bob", "--json")
    assert json.loads(run("rollback", *words, "--reason", "worse"))["live"] == "tiny-1"
    assert json.loads(run("promote", "tiny-2", *words))["live"] == "tiny-2"
    newest = json.loads(run("log", "--folder", folder, "--limit", "2", "--json"))["log"]
    assert [(event["who"], event["what"], event["reason"]) for event in newest] == [
        ("bob", "promoted", ""),
        ("bob", "rolled back", "worse"),
    ]
    text = run("log", "--folder", folder)
    assert "tiny-2 rolled back by bob, live: tiny-1. worse" in text
    assert len(text.splitlines()) == 7


def test_diff_lays_two_side_by_side(folder: Path) -> None:
    text = run("diff", "tiny-1", "tiny-2", "--folder", folder)
    assert "0.500" in text
    assert "0.600" in text
    assert json.loads(run("diff", "tiny-1", "tiny-2", "--folder", folder, "--json"))["config"] == {}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["promote", "tiny-3"], "gate_rejected"),
        (["promote", "tiny-9"], "unknown_version"),
        (["promote", "../base"], "unknown_version"),
        (["diff", "tiny-1", "x"], "unknown_version"),
        (["list", "--model", "nowhere"], "checkpoint_not_found"),
    ],
    ids=["rejected", "unknown", "a path", "diff", "no base"],
)
def test_mistakes_change_nothing(folder: Path, words: list[str], code: str) -> None:
    before = (folder / "audit.jsonl").read_bytes()
    assert refused(*words, "--folder", folder).code == code
    assert (folder / "audit.jsonl").read_bytes() == before


def test_a_folder_without_versions_is_told_and_left_alone(tmp_path: Path) -> None:
    for command in (["list"], ["rollback"], ["log"], ["promote", "nano-2"]):
        assert refused(*command, "--folder", tmp_path / "none").code == "no_versions"
    assert list(tmp_path.iterdir()) == []
