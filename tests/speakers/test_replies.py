"""Kept replies."""

from __future__ import annotations

from pathlib import Path

import pytest

from prsmed.errors import PRSMedError
from prsmed.speakers import Replies


def test_replies_are_found_again_by_speaker_and_prompt(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "cache.jsonl"
    assert Replies(path).get("one", "Where?") is None
    assert not path.exists()
    Replies(path).put("one", "Where?", "Hier\u2028\nüben")
    again = Replies(path)
    assert again.get("one", "Where?") == "Hier\u2028\nüben"
    assert again.get("two", "Where?") is None
    assert again.get("one", "Where?\n") is None


@pytest.mark.parametrize("cut", [1, 8, 40, 120, -1])
def test_a_line_cut_off_by_a_kill_loses_itself_only(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "cache.jsonl"
    Replies(path).put("one", "first", "1")
    whole = path.read_bytes()
    Replies(path).put("one", "second", "2")
    path.write_bytes(path.read_bytes()[: len(whole) + cut] if cut > 0 else path.read_bytes()[:-3])
    assert Replies(path).get("one", "second") is None
    Replies(path).put("one", "third", "3")
    again = Replies(path)
    assert [again.get("one", word) for word in ("first", "second", "third")] == ["1", None, "3"]


@pytest.mark.parametrize("content", ["[1]", '{\n "old": "form"\n}', '{"a": 1}', '{"key": "k", "reply": 1}', "\x00"])
def test_a_file_that_is_no_cache_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "cache.jsonl").write_text(content)
    with pytest.raises(PRSMedError, match=r"line \d of .*cache\.jsonl") as error:
        Replies(tmp_path / "cache.jsonl")
    assert error.value.code == "bad_cache"


def test_a_folder_is_no_cache(tmp_path: Path) -> None:
    with pytest.raises(PRSMedError, match="name a file"):
        Replies(tmp_path)
