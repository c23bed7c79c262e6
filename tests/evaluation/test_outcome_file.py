from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from evaluation_set import absent, outcome

from prsmed.errors import PRSMedError
from prsmed.evaluation.outcome_file import read_outcomes, write_outcomes

MADE = [outcome(id="a", text="é | “x”\u2028y"), absent(id="b"), outcome(id="c", text=None, text_place=None, dice=1.0)]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    write_outcomes(MADE, tmp_path / "o.jsonl")
    assert read_outcomes(tmp_path / "o.jsonl") == MADE


def test_fields_of_another_version_do_no_harm(tmp_path: Path) -> None:
    write_outcomes(MADE[:1], tmp_path / "o.jsonl")
    values = json.loads((tmp_path / "o.jsonl").read_text())
    del values["agrees"]
    (tmp_path / "o.jsonl").write_text(json.dumps(values | {"later": 3, "dice": 1}))
    (read,) = read_outcomes(tmp_path / "o.jsonl")
    assert (read.agrees, read.dice) == (None, 1.0)


@pytest.mark.parametrize(
    ("spoil", "code", "told"),
    [
        pytest.param(lambda text: "", "empty_outcomes", "no answer", id="empty"),
        pytest.param(lambda text: text[:-40], "bad_outcomes", "line 3 of .* is not JSON", id="cut"),
        pytest.param(lambda text: text + "\n", "bad_outcomes", "line 4", id="blank line"),
        pytest.param(lambda text: text + "[1]\n", "bad_outcomes", "line 4 of .* no JSON object", id="no object"),
        pytest.param(lambda text: text + text, "duplicate_id", "line 4 of .* holds a a second time", id="twice"),
        pytest.param(lambda text: text.replace('"dice"', '"d"'), "bad_outcomes", "line 1 .* lacks dice", id="lacks"),
        pytest.param(lambda text: text.replace("top left", "atop"), "bad_outcomes", "true_place", id="no zone"),
        pytest.param(lambda text: text.replace("true,", '"yes",', 1), "bad_outcomes", "'yes' as present", id="type"),
    ],
)
def test_damage_is_told_with_its_line(tmp_path: Path, spoil: Callable[[str], str], code: str, told: str) -> None:
    path = tmp_path / "o.jsonl"
    write_outcomes(MADE, path)
    path.write_text(spoil(path.read_text()))
    with pytest.raises(PRSMedError, match=told) as error:
        read_outcomes(path)
    assert error.value.code == code


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(PRSMedError, match="does not exist"):
        read_outcomes(tmp_path / "none.jsonl")
