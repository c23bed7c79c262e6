"""Scores on disk."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from monailabel_app.next_study.scores import FILE, Scored, Scores
from prsmed.inference import MEASURES, ModelVersion, Uncertainty

ONE, TWO = ModelVersion("nano-1", "a" * 64), ModelVersion("nano-2", "b" * 64)


def scored(value: float = 0.25, said: str | None = "top left") -> Scored:
    features = np.array([0.6, 0.8, 0.0], np.float32)
    return Scored("1-2", "Where is it?", Uncertainty(dict.fromkeys(MEASURES, value), 0.5, said, "none", features))


@pytest.fixture
def kept(tmp_path: Path) -> Scores:
    scores = Scores(tmp_path / FILE)
    scores.begin(ONE, {"a", "b", "bad"}, ["", "Where?"])
    scores.put(ONE, "a", "", scored())
    scores.put(ONE, "b", "Where?", scored(1.0, None))
    scores.note_unreadable("bad", "3-4", "it is cut off")
    scores.save()
    return scores


def reopened(tmp_path: Path) -> Scores:
    scores = Scores(tmp_path / FILE)
    scores.load()
    return scores


def test_they_come_back_after_a_restart(kept: Scores, tmp_path: Path) -> None:
    again = reopened(tmp_path)
    assert again.version == ONE
    for image, asked in (("a", ""), ("b", "Where?")):
        before, after = kept.get(image, asked), again.get(image, asked)
        assert before is not None
        assert after is not None
        assert (after.stamp, after.question) == (before.stamp, before.question)
        assert after.doubts.scores == before.doubts.scores
        assert (after.doubts.text_zone, after.doubts.mask_zone) == (before.doubts.text_zone, "none")
        np.testing.assert_allclose(after.doubts.features, before.doubts.features, atol=1e-3)
    assert again.get("a", "Where?") is None
    assert again.unreadable == {"bad": "it is cut off"}
    assert again.why_unreadable("bad", "3-4") == "it is cut off"
    assert again.why_unreadable("bad", "5-6") == ""


def test_another_version_begins_anew(kept: Scores, tmp_path: Path) -> None:
    kept.begin(TWO, {"a", "b", "bad"}, ["", "Where?"])
    assert kept.get("a", "") is None
    assert kept.unreadable == {"bad": "it is cut off"}
    kept.put(ONE, "a", "", scored())
    assert kept.get("a", "") is None, "an answer of the old model came late"
    kept.save()
    assert reopened(tmp_path).version == TWO


def test_what_is_gone_or_no_longer_asked_is_forgotten(kept: Scores, tmp_path: Path) -> None:
    kept.begin(ONE, {"a"}, [""])
    assert kept.get("a", "") is not None
    assert kept.get("b", "Where?") is None
    kept.save()
    assert reopened(tmp_path).unreadable == {}


def test_nothing_is_written_when_nothing_has_changed(kept: Scores, tmp_path: Path) -> None:
    (tmp_path / FILE).unlink()
    kept.begin(ONE, {"a", "b", "bad"}, ["", "Where?"])
    kept.save()
    assert not (tmp_path / FILE).exists()
    Scores(None).save()


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        '{"schema": "prsmed.scores/9"}',
        '{"schema": "prsmed.scores/1", "scored": 3}',
        "features",
        "measure",
    ],
)
def test_a_damaged_file_is_begun_anew(kept: Scores, tmp_path: Path, damage: str) -> None:
    told = json.loads((tmp_path / FILE).read_text())
    if damage == "features":
        told["scored"][0]["features"] = "###"
    if damage == "measure":
        del told["scored"][0]["scores"]["flip"]
    (tmp_path / FILE).write_text(json.dumps(told) if damage in ("features", "measure") else damage)
    again = reopened(tmp_path)
    assert again.get("a", "") is None
    again.begin(ONE, {"a"}, [""])
    again.put(ONE, "a", "", scored())
    again.save()
    assert reopened(tmp_path).get("a", "") is not None
