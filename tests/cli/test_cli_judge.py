"""`prsmed judge`, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from chat_server import KEY, ChatServer
from command_line import command

from prsmed.evaluation.outcome import Outcome
from prsmed.evaluation.outcome_file import write_outcomes
from prsmed.evaluation.place import Place

HERE = Place(("top left",), None)


def answer(number: int, text: str | None) -> Outcome:
    return Outcome(
        id=f"val-{number}",
        modality="brain_mri",
        dataset="made",
        group=f"g{number}",
        question="Where is the tumour?",
        true_answer="It is in the top left.",
        present=True,
        true_place=HERE,
        dice=0.5,
        iou=0.4,
        mask_share=0.1,
        raw_share=0.1,
        mask_place=HERE,
        text=text,
        text_place=None if text is None else HERE,
        text_denies=None if text is None else False,
    )


@pytest.fixture
def evaluated(tmp_path: Path) -> Path:
    folder = tmp_path / "evaluated"
    folder.mkdir()
    write_outcomes(
        [answer(n, "It is in the top left.") for n in range(3)] + [answer(9, None)], folder / "outcomes.jsonl"
    )
    return folder


run = command("judge", columns=160)


def test_agents_judge_and_the_tables_are_told(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    chat: ChatServer,
    evaluated: Path,
    tmp_path: Path,
) -> None:
    chat.think = lambda model, prompt: "Yes."
    words = ("run", evaluated, "--agent", f"tiny@{chat.url}", "--out", tmp_path / "out")
    code, out, err = run(capsys, monkeypatch, *words)
    assert code == 0
    assert "3 answers judged by tiny (3 prompts) and the zone parser; 1 without words are not judged" in out
    assert "1.000 ± 0.000" in out
    assert "tiny / parser" in out
    assert "3/3" in err, "long work shows progress; equal answers are asked about once"
    assert KEY not in out + err
    code, out, err = run(capsys, monkeypatch, "run", evaluated / "outcomes.jsonl", *words[2:], "--json")
    assert (code, err.strip()) == (0, "")
    assert json.loads(out)["scores"]["present"]["tiny"]["macro"]["value"] == 1
    assert len(chat.requests) == 3


def test_a_sheet_goes_to_a_human_and_comes_back(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, evaluated: Path, tmp_path: Path
) -> None:
    sheet = tmp_path / "sheet.csv"
    code, out, _ = run(capsys, monkeypatch, "sheet", evaluated, "--out", sheet)
    assert (code, "(3 answers)" in out) == (0, True)
    sheet.write_bytes(sheet.read_bytes().replace(b",\r\n", b",yes\r\n"))
    code, out, _ = run(capsys, monkeypatch, "run", evaluated, "--human", sheet, "--out", tmp_path / "out")
    assert code == 0
    assert "parser / human" in out
    code, _, err = run(capsys, monkeypatch, "sheet", evaluated, "--out", sheet)
    assert (code, "may be filled in" in err) == (2, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["none"], "does not exist; run `prsmed evaluate --out` first"),
        (["evaluated", "--agent", "nobody"], "MODEL@URL"),
        (["evaluated", "--local", "none"], "holds no language model"),
        (["evaluated", "--prompts", "none.yaml"], "no readable file none.yaml"),
        (["evaluated", "--human", "none.csv"], "no readable file none.csv"),
    ],
)
def test_mistakes_are_told_in_one_line(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    evaluated: Path,
    words: list[str],
    told: str,
) -> None:
    monkeypatch.chdir(evaluated.parent)
    code, out, err = run(capsys, monkeypatch, "run", *words, "--out", "out")
    assert (code, out) == (2, "")
    assert told in err
    assert err.strip().startswith("Error:")
    assert len(err.strip().splitlines()) == 1


def test_a_refused_request_is_told_without_the_key(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    chat: ChatServer,
    evaluated: Path,
    tmp_path: Path,
) -> None:
    chat.plan += [(401, {}, f"wrong key {KEY}".encode())] * 12
    code, out, err = run(
        capsys, monkeypatch, "run", evaluated, "--agent", f"tiny@{chat.url}", "--out", tmp_path / "out"
    )
    assert code == 2
    assert "refused the request with status 401; set PRSMED_LLM_KEY" in err
    assert KEY not in out + err
