"""`prsmed data build`, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import command
from small_set import write_set


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_set(tmp_path / "data", per_kind=3, normals=0)


run = command("data", "build")


def test_build_tells_counts_by_set_split_and_kind(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path
) -> None:
    out_folder = tmp_path / "out"
    words = ("--data", str(data), "--out", str(out_folder), "--split", "train", "--kind", "size", "--kind", "position")
    code, out, err = run(capsys, monkeypatch, *words)
    assert code == 0
    manifest = json.loads((out_folder / "manifest.json").read_text())
    assert (manifest["splits"], manifest["kinds"]) == (["train"], ["position", "size"])
    assert "figshare_cheng" in out
    assert f"{manifest['conversations']} conversations about {manifest['images']} images" in out
    row = next(line for line in out.splitlines() if "polypgen" in line)
    assert row.split() == ["polypgen", "train", "3", "3"]
    assert "asking about images" in err, "long work shows progress"
    assert str(out_folder / "conversations.jsonl") in out
    assert "Left out" not in err


def test_build_tells_what_was_left_out_and_strict_stops(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path
) -> None:
    for image in (data / "pairs/polyp_endoscopy/polypgen/images").iterdir():
        image.write_bytes(b"")
    words = ("--data", str(data), "--out", str(tmp_path / "out"))
    code, _, err = run(capsys, monkeypatch, *words)
    assert code == 0
    assert "Left out: 3 x unreadable: pairs/polyp_endoscopy/polypgen/images/case000_0.jpg" in err
    code, out, err = run(capsys, monkeypatch, *words, "--strict")
    assert (code, out) == (2, "")
    assert "polypgen/images/case000_0.jpg: unreadable" in err
    assert "copy the set anew" in err


def test_build_splits_by_group(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path
) -> None:
    code, _, err = run(capsys, monkeypatch, "--data", str(data), "--out", str(tmp_path / "out"), "--splits", "group")
    assert code == 0
    assert "comparing images" in err
    assert json.loads((tmp_path / "out/manifest.json").read_text())["mode"] == "group"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--split", "holdout"), "choose from train, val, test"),
        (("--kind", "riddle"), "choose from position, absent"),
        (("--splits", "random"), "choose from official, group"),
        (("--wording", "none.yaml"), "none.yaml"),
        (("--data", "nowhere"), "nowhere"),
        (("--split", "test"), "split test"),
    ],
)
def test_mistakes_are_told_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path,
    words: tuple[str, ...], says: str,
) -> None:  # fmt: skip
    code, out, err = run(capsys, monkeypatch, "--data", str(data), "--out", str(tmp_path / "out"), *words)
    assert (code, out) == (2, "")
    assert says in err
    assert len(err.strip().splitlines()) == 1
