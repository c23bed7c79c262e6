"""The sheet for a human judge."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest
from spoken_answers import spoken

from prsmed.errors import PRSMedError
from prsmed.evaluation.judges.sheet import COLUMNS, read_sheet, write_sheet
from prsmed.evaluation.outcome import Outcome


@pytest.fixture
def many() -> list[Outcome]:
    common = [spoken(n, "top left", modality="brain_mri") for n in range(50)]
    rare = [spoken(n, "top left", modality="polyp_endoscopy") for n in range(50, 55)]
    return [*common, *rare, spoken(99, None)]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def fill(path: Path, words: dict[str, str], delimiter: str = ",") -> None:
    found = rows(path)
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter=delimiter)
        writer.writeheader()
        writer.writerows({**row, "same_place": words.get(row["id"], "")} for row in found)


def test_every_modality_is_drawn_alike_and_blank(many: list[Outcome], tmp_path: Path) -> None:
    assert write_sheet(many, tmp_path / "deep" / "s.csv", 20, seed=0) == 20
    drawn = rows(tmp_path / "deep" / "s.csv")
    assert tuple(drawn[0]) == COLUMNS
    assert Counter(int(row["id"].removeprefix("val-")) >= 50 for row in drawn) == {False: 15, True: 5}
    assert {row["same_place"] for row in drawn} == {""}
    assert len({row["id"] for row in drawn}) == 20


def test_a_seed_draws_the_same_again(many: list[Outcome], tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_sheet(many, tmp_path / name, 10, seed)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() != (tmp_path / "c").read_bytes()


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_verdicts_come_back_by_id(tmp_path: Path, delimiter: str) -> None:
    odd = [spoken(0, "top left", text='Top "left";\nnear, über'), spoken(1, "top left"), spoken(2, "top left")]
    write_sheet(odd, tmp_path / "s.csv", 10, 0)
    fill(tmp_path / "s.csv", {"val-0": " Yes ", "val-1": "N"}, delimiter)
    with (tmp_path / "s.csv").open("a") as file:
        file.write(delimiter * 4 + "\r\n")  # an empty row of a spreadsheet
    assert read_sheet(tmp_path / "s.csv", odd) == {"val-0": True, "val-1": False}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("val-1,", "val-7,", "line 2 of s.csv: id 'val-7' is not among the answers"),
        ("image.,\r\n", "image.,maybe\r\n", "line 2 of s.csv: same_place is 'maybe'; write yes or no"),
        ("The polyp is in the top left", "Something else", "line 2 of s.csv: the answer is not what was answered"),
        ("same_place", "verdict", "no column 'same_place'"),
        ("id,", "ID,", "no column 'id'"),
    ],
)
def test_a_sheet_that_does_not_fit_is_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    answers = [spoken(1, "top left")]
    path = tmp_path / "s.csv"
    write_sheet(answers, path, 10, 0)
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new, 1).encode())
    with pytest.raises(PRSMedError, match=told) as error:
        read_sheet(path, answers)
    assert error.value.code == "bad_sheet"


def test_an_id_that_stands_there_twice_is_told(tmp_path: Path) -> None:
    answers = [spoken(1, "top left")]
    write_sheet(answers, tmp_path / "s.csv", 10, 0)
    with (tmp_path / "s.csv").open("ab") as file:
        file.write((tmp_path / "s.csv").read_bytes().split(b"\r\n")[1] + b"\r\n")
    with pytest.raises(PRSMedError, match=r"line 3 of s.csv: id 'val-1' stands there twice"):
        read_sheet(tmp_path / "s.csv", answers)


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe"])
def test_what_is_no_sheet_is_told(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "s.csv").write_bytes(content)
    with pytest.raises(PRSMedError, match=r"s\.csv"):
        read_sheet(tmp_path / "s.csv", [])


def test_a_sheet_is_never_overwritten(many: list[Outcome], tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("an afternoon of work")
    with pytest.raises(PRSMedError) as error:
        write_sheet(many, tmp_path / "s.csv", 10, 0)
    assert error.value.code == "sheet_exists"
    with pytest.raises(PRSMedError) as error:
        write_sheet([spoken(0, None)], tmp_path / "t.csv", 10, 0)
    assert error.value.code == "no_words"
