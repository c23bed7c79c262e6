from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluation_set import absent, outcome
from typer.testing import CliRunner

from prsmed.cli import app
from prsmed.errors import PRSMedError
from prsmed.evaluation.compare import Line, compare_reports
from prsmed.evaluation.outcome import Outcome
from prsmed.evaluation.outcome_file import write_outcomes
from prsmed.evaluation.summary import MACRO


def write(folder: Path, outcomes: list[Outcome], list_sha256: str = "ab" * 32) -> Path:
    folder.mkdir(parents=True)
    write_outcomes(outcomes, folder / "outcomes.jsonl")
    values = {"model": {"version": folder.name}, "list": {"sha256": list_sha256, "questions": len(outcomes)}}
    (folder / "report.json").write_text(json.dumps(values))
    return folder


def answers(shift: float) -> list[Outcome]:
    rng = np.random.default_rng(1)
    present = [
        outcome(id=f"{modality}-{n}", modality=modality, group=f"{modality}{n // 2}", dice=float(score) + shift)
        for modality in ("brain_mri", "lung_ct")
        for n, score in enumerate(rng.uniform(0.2, 0.6, 30))
    ]
    return [*present, absent(id="absent", group="alone")]


@pytest.fixture
def reports(tmp_path: Path) -> tuple[Path, Path]:
    return write(tmp_path / "a", answers(0.0)), write(tmp_path / "b", answers(0.1))


def quiet(what: str, done: int, total: int) -> None:
    """No progress shown."""


def line(lines: tuple[Line, ...], measure: str, part: str) -> Line:
    return next(line for line in lines if (line.measure.name, line.part) == (measure, part))


def test_a_system_that_is_always_better(reports: tuple[Path, Path]) -> None:
    (found,) = compare_reports(reports, quiet)
    dice = line(found.lines, "dice", MACRO)
    seen = dice.difference.estimate
    assert (seen.value, seen.low, seen.high) == pytest.approx((0.1, 0.1, 0.1))
    assert (seen.n, seen.groups) == (60, 30)
    assert dice.other.value - dice.reference.value == pytest.approx(0.1)
    tested = sum(other.p_holm is not None for other in found.lines)
    assert dice.p_holm == pytest.approx(dice.difference.p * tested)  # the smallest of them all
    assert line(found.lines, "text_zone", MACRO).p_holm == 1


def test_every_line_of_every_comparison_is_told(reports: tuple[Path, Path]) -> None:
    told: list[tuple[str, int, int]] = []
    found = compare_reports([*reports, reports[0]], lambda *step: told.append(step))
    assert told == [(one.other, number, len(one.lines)) for one in found for number in range(1, len(one.lines) + 1)]


def test_a_lone_group_is_shown_without_a_test(reports: tuple[Path, Path]) -> None:
    (found,) = compare_reports(reports, quiet)
    lone = line(found.lines, "false_mask", "brain_mri")
    assert (lone.difference.p, lone.p_holm, lone.difference.estimate.n) == (None, None, 1)


def test_only_questions_count_for_which_both_have_a_number(tmp_path: Path) -> None:
    mute = [replace(one, text=None, text_place=None, agrees=None) for one in answers(0.0)[:10]]
    (found,) = compare_reports(
        [write(tmp_path / "a", answers(0.0)), write(tmp_path / "b", mute + answers(0.0)[10:])], quiet
    )
    assert line(found.lines, "text_zone", "brain_mri").difference.estimate.n == 20
    assert line(found.lines, "dice", "brain_mri").difference.estimate.n == 30


@pytest.mark.parametrize(
    ("other", "list_sha256", "code", "told"),
    [
        pytest.param(answers(0)[2:], "ab" * 32, "other_questions", "lacks 2 of .*brain_mri-0, brain_mri-1", id="less"),
        pytest.param([*answers(0), outcome(id="new")], "ab" * 32, "other_questions", "a .* lacks 1 .*new", id="more"),
        pytest.param(answers(0), "cd" * 32, "other_list", "equal ids, but another file", id="list"),
        pytest.param(
            [replace(answers(0)[0], question="Which?"), *answers(0)[1:]],
            "ab" * 32,
            "other_list",
            "1 questions differ .brain_mri-0",
            id="question",
        ),
    ],
)
def test_other_questions_are_not_compared(
    tmp_path: Path, other: list[Outcome], list_sha256: str, code: str, told: str
) -> None:
    with pytest.raises(PRSMedError, match=told) as error:
        compare_reports([write(tmp_path / "a", answers(0)), write(tmp_path / "b", other, list_sha256)], quiet)
    assert error.value.code == code


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        pytest.param(lambda folder: (folder / "report.json").unlink(), "missing_report", id="no report"),
        pytest.param(lambda folder: (folder / "report.json").write_text("{}"), "bad_report", id="no such report"),
        pytest.param(lambda folder: (folder / "outcomes.jsonl").unlink(), "missing_outcomes", id="no answers"),
        pytest.param(
            lambda folder: write_outcomes(answers(0)[:4], folder / "outcomes.jsonl"), "incomplete_report", id="cut"
        ),
    ],
)
def test_folders_that_are_no_whole_report(
    reports: tuple[Path, Path], spoil: Callable[[Path], object], code: str
) -> None:
    spoil(reports[1])
    with pytest.raises(PRSMedError) as error:
        compare_reports(reports, quiet)
    assert error.value.code == code


def test_the_command(reports: tuple[Path, Path], tmp_path: Path) -> None:
    names = [str(report) for report in reports]
    printed = CliRunner().invoke(app, ["compare", *names, "--out", str(tmp_path / "c.md"), "--json"])
    (found,) = json.loads(printed.stdout)["comparisons"]
    assert printed.stderr == ""
    assert (found["reference"], found["other"]) == ("a (a)", "b (b)")
    assert found["lines"][0]["measure"] == "dice"
    assert "| Dice | brain mri | 30 (15) |" in (tmp_path / "c.md").read_text()
    assert "b (b)" in CliRunner().invoke(app, ["compare", *names]).stderr
    assert "one_report" in repr(CliRunner().invoke(app, ["compare", names[0]]).exception.code)
