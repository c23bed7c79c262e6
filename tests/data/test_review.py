from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import typer
from drawn_set import box, picture, write
from PIL import Image
from typer.testing import CliRunner, Result

from prsmed.cli_data_audit import audit as audit_command
from prsmed.cli_data_audit import review as review_command
from prsmed.data import review as review_module
from prsmed.data.review import accepted, decide, journal_of, merge, reviewed
from prsmed.data.review_edit import objection
from prsmed.data.schema import Conversation, Turn, read_conversations, to_line
from prsmed.errors import PRSMedError
from prsmed.position.findings import Position

FAR_LEFT = (Position("top left", near_center=False),)
WHERE = Turn(
    "Where is the polyp?", "The polyp is in the top left of the image, far from the center.", "polyp", True, FAR_LEFT
)
ABSENT = Turn("Any nodule?", "There is no nodule in this image.", "nodule", False, ())


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """Five conversations about one picture; the third has two turns."""
    record = write(tmp_path, "p", picture(0), box(10, 10, 40, 40))
    turns = [(WHERE,), (ABSENT,), (ABSENT, WHERE), (WHERE,), (WHERE,)]
    made = [Conversation(f"t-{number}", "position", record, own) for number, own in enumerate(turns)]
    path = tmp_path / "conversations.jsonl"
    path.write_text("".join(to_line(item) + "\n" for item in made), encoding="utf-8")
    return path


def verdicts(path: Path) -> list[str | None]:
    """As any reader of the file finds them."""
    return [item.review and item.review.verdict for item in read_conversations(path)]


def run(path: Path, *words: str, typed: str = "") -> Result:
    app = typer.Typer()
    app.command("review")(review_command)
    app.command("audit")(audit_command)
    return CliRunner().invoke(app, ["review", str(path), *words], input=typed, env={"PRSMED_DATA": ""})


def test_decisions_are_read_before_and_after_the_merge(listed: Path) -> None:
    before = listed.read_bytes()
    first, second, third, *_ = read_conversations(listed)
    decide(listed, first, "accepted", "Dr A")
    decide(listed, second, "rejected", " Dr B ")
    decide(listed, third, "edited", "Dr A", ("No nodule here.", "It is in the top left of the image."))
    decide(listed, first, "rejected", "Dr C")  # the last word counts
    assert listed.read_bytes() == before, "a decision does not rewrite the list"
    waiting = list(reviewed(listed))
    assert merge(listed) == 3
    assert list(read_conversations(listed)) == waiting
    assert not journal_of(listed).exists()
    assert [(item.review.verdict, item.review.by) for item in waiting if item.review] == [
        ("rejected", "Dr C"), ("rejected", "Dr B"), ("edited", "Dr A"),
    ]  # fmt: skip
    assert [turn.answer for turn in waiting[2].turns] == ["No nodule here.", "It is in the top left of the image."]
    assert [turn.question for turn in waiting[2].turns] == [turn.question for turn in third.turns]
    assert waiting[0].review is not None
    assert waiting[0].review.at.endswith("+00:00")
    assert [item.id for item in accepted(waiting)] == ["t-2", "t-3", "t-4"]
    assert merge(listed) == 0


def test_a_torn_line_is_no_decision_and_spoils_none(listed: Path) -> None:
    first, second, *_ = read_conversations(listed)
    decide(listed, first, "accepted", "A")
    whole = journal_of(listed).read_bytes()
    for length in range(1, len(whole)):
        journal_of(listed).write_bytes(whole + whole[:length])
        assert [item.id for item in reviewed(listed) if item.review] == ["t-0"]
    decide(listed, second, "accepted", "A")
    assert merge(listed) == 2
    assert verdicts(listed) == ["accepted", "accepted", None, None, None]


@pytest.mark.parametrize("step", ["replace", "unlink"])
def test_a_kill_while_merging_loses_nothing(listed: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise Killed

    first, *_ = read_conversations(listed)
    decide(listed, first, "edited", "A", ("It is in the top left.",))
    with monkeypatch.context() as patch:
        patch.setattr(*((review_module.os, step) if step == "replace" else (Path, step)), killed)
        with pytest.raises(Killed):
            merge(listed)
    assert next(reviewed(listed)).turn.answer == "It is in the top left."
    assert merge(listed) == 1
    assert next(read_conversations(listed)).turn.answer == "It is in the top left."
    assert verdicts(listed) == ["edited", None, None, None, None]


def test_a_list_built_anew_is_not_judged_by_the_old_ones_reviews(listed: Path) -> None:
    first, *rest = read_conversations(listed)
    decide(listed, first, "rejected", "A")
    other = replace(first, turns=(replace(WHERE, question="And where is the lung?"),))
    listed.write_text("".join(to_line(item) + "\n" for item in (other, *rest)), encoding="utf-8")
    before = listed.read_bytes()
    with pytest.raises(PRSMedError, match="t-0 asks something else"):
        merge(listed)
    assert listed.read_bytes() == before
    assert journal_of(listed).exists()


def test_a_spoilt_journal_is_told(listed: Path) -> None:
    journal_of(listed).write_text('{"id": "t-0"}\n')
    with pytest.raises(PRSMedError, match=r"line 1 of conversations\.reviews\.jsonl"):
        merge(listed)


@pytest.mark.parametrize(
    ("verdict", "answers", "by"),
    [("edited", None, "A"), ("edited", ("one", "two"), "A"), ("edited", (" ",), "A"), ("accepted", ("x",), "A"),
     ("accepted", None, " ")],
)  # fmt: skip
def test_half_decisions_are_refused(listed: Path, verdict: str, answers: tuple[str, ...] | None, by: str) -> None:
    first, *_ = read_conversations(listed)
    with pytest.raises(PRSMedError):
        decide(listed, first, verdict, by, answers)  # type: ignore[arg-type]
    assert not journal_of(listed).exists()


CENTRAL = replace(WHERE, positions=(Position("center", True),), answer="It is in the center.")
CHOICE = replace(WHERE, answer="B. The top left.", options=("center", "top left"), letter="B")
SIZE = replace(WHERE, question="How large is it?", answer="It measures 12 mm.")
SIDE = replace(WHERE, question="On which side?", answer="It is on the patient's right side.")


@pytest.mark.parametrize(
    ("turn", "text", "says"),
    [
        (WHERE, "A polyp lies in the upper left corner.", None),
        (WHERE, "The polyp is far away from the center, at the top left.", None),
        (WHERE, "The polyp is in the bottom left.", "bottom left, the mask says top left"),
        (WHERE, "There is no polyp.", "none, the mask says top left"),
        (WHERE, "I can see the polyp.", "no place, the mask says top left"),
        (WHERE, "The polyp is in the top left, close to the center.", "near the center, the mask is far from it"),
        (ABSENT, "No nodule can be seen.", None),
        (ABSENT, "The nodule is in the top left.", "top left, the mask says none"),
        (CENTRAL, "In the middle of the image.", None),
        (CHOICE, "B, in the upper left.", None),
        (CHOICE, "A. The top left.", "the right option is B, the new answer names A"),
        (CHOICE, "It is in the top left: C.", "names C"),
        (CHOICE, "A is wrong. The top left.", "names A"),
        (CHOICE, "A polyp lies in the top left, which is B.", None),
        (CHOICE, "A polyp lies in the top left.", "names none"),
        (SIZE, "It measures 13 mm.", None),
        (SIZE, "It measures 13 mm, in the top right.", "top right, the mask says top left"),
        (SIDE, "It lies on the right side of the patient.", None),
        (SIDE, "It is on the patient's left side.", "patient's left"),
    ],
)
def test_an_edit_must_say_the_masks_place(turn: Turn, text: str, says: str | None) -> None:
    doubt = objection(turn, text)
    assert doubt is None if says is None else says in str(doubt)


def test_every_own_answer_may_stay() -> None:
    assert [objection(turn, turn.answer) for turn in (WHERE, ABSENT, CENTRAL, CHOICE, SIZE, SIDE)] == [None] * 6


def test_a_session_accepts_edits_rejects_skips_and_goes_on(listed: Path) -> None:
    """Accept; edit to another place and give it up; skip; then the rest in a second session."""
    result = run(listed, "--by", "Dr A", typed="a\ne\nIt is in the top left.\nn\ns\nr\nq\n")
    assert result.exit_code == 0, result.output
    assert "1 of 5 unread: t-0" in result.output
    assert "But the new answer says top left, the mask says none. Keep it?" in result.output
    assert verdicts(listed) == ["accepted", None, None, "rejected", None]
    result = run(listed, "--by", "Dr B", typed="e\nIt is in the top left.\ny\ne\n2\nThe upper left.\na\n")
    assert "1 of 3 unread: t-1" in result.output
    assert result.exit_code == 0, result.output
    assert verdicts(listed) == ["accepted", "edited", "edited", "rejected", "accepted"]
    conversations = list(read_conversations(listed))
    assert [turn.answer for turn in conversations[2].turns] == [ABSENT.answer, "The upper left."]
    assert {item.review.by for item in conversations if item.review} == {"Dr A", "Dr B"}
    assert not journal_of(listed).exists()


def test_the_picture_is_drawn_and_named(listed: Path) -> None:
    result = run(listed, "--data", str(listed.parent), typed="q\n")
    drawn = listed.with_suffix(".review.png")
    assert str(drawn) in result.output
    pixels = np.asarray(Image.open(drawn).convert("RGB"), dtype=int)
    assert (np.abs(pixels - (12, 190, 255)).sum(axis=2) < 10).any(), "the outline"
    (listed.parent / "images/p.png").unlink()
    assert (
        "No picture: images/p.png is not in the folder" in run(listed, "--data", str(listed.parent), typed="q").output
    )


def test_scripts_decide_without_being_asked(listed: Path) -> None:
    assert run(listed, "--id", "t-1", "--accept", "--by", "bot").exit_code == 0
    assert run(listed, "--id", "t-2", "--answer", "Upper left.", "--turn", "2", "--by", "bot").exit_code == 0
    assert run(listed, "--id", "t-4", "--reject", "--by", "bot").exit_code == 0
    assert verdicts(listed) == [None, "accepted", "edited", None, "rejected"]
    lines = run(listed, "--list").output.splitlines()
    assert lines[1].split("\t")[:4] == ["t-1", "position", "accepted", "bot"]
    assert lines[-1] == "1 accepted, 1 edited, 1 rejected, 2 unread"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--id", "t-9", "--accept"), "unknown_conversation"),
        (("--id", "t-0"), "one_decision"),
        (("--id", "t-0", "--accept", "--reject"), "one_decision"),
        (("--accept",), "no_id"),
        (("--id", "t-0", "--answer", "Bottom right."), "other_place"),
        (("--id", "t-0", "--answer", "Top left.", "--turn", "2"), "no_turn"),
    ],
)
def test_mistakes_decide_nothing(listed: Path, words: tuple[str, ...], code: str) -> None:
    before = listed.read_bytes()
    result = run(listed, *words)
    assert isinstance(result.exception, PRSMedError)
    assert result.exception.code == code
    assert listed.read_bytes() == before


def test_a_confirmed_edit_is_kept(listed: Path) -> None:
    assert run(listed, "--id", "t-0", "--answer", "Bottom right.", "--confirm").exit_code == 0
    assert next(read_conversations(listed)).turn.answer == "Bottom right."


def test_a_killed_session_loses_no_decision(listed: Path) -> None:
    """The process is killed between two questions; the next start has all that was decided."""
    code = (
        "import typer; from prsmed.cli_data_audit import audit, review\n"
        "app = typer.Typer(); app.command('review')(review); app.command('audit')(audit); app()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, "review", str(listed), "--by", "Dr A"],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env={**os.environ, "PRSMED_DATA": ""},
    ) as process:  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(b"a\nr\n")
        process.stdin.flush()
        deadline = time.monotonic() + 120
        while not journal_of(listed).is_file() or journal_of(listed).read_bytes().count(b"\n") < 2:
            assert process.poll() is None, "it ended before it was killed"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    assert verdicts(listed) == [None] * 5
    assert json.loads(journal_of(listed).read_bytes().splitlines()[1])["review"]["by"] == "Dr A"
    result = run(listed, "--by", "Dr A", typed="q\n")
    assert "1 of 3 unread: t-2" in result.output
    assert verdicts(listed) == ["accepted", "rejected", None, None, None]


def test_a_slip_of_the_finger_is_asked_again_and_an_end_of_input_ends(listed: Path) -> None:
    result = run(listed, "--by", "Dr A", typed="x\na\n")
    assert "'x' is unknown; type one of a, e, r, s, q" in result.output
    assert "Aborted" in result.output
    assert isinstance(result.exception, SystemExit)
    assert verdicts(listed)[:2] == ["accepted", None]
