from __future__ import annotations

import json
from pathlib import Path

import pytest
from evaluation_set import tiny_unet, write_checkpoint

from prsmed.data import build, read_conversations
from prsmed.data.review import decide, merge
from prsmed.errors import PRSMedError
from prsmed.evaluation import evaluate
from prsmed.evaluation.run import CHOICE, KINDS


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint"))


def quiet(done: int, total: int) -> None:
    """No progress shown."""


def test_the_held_out_list_is_built_and_answered(checkpoint: Path, image_root: Path, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    found = evaluate(checkpoint, None, image_root, tmp_path, lambda *step: steps.append(step))
    lines = (tmp_path / "conversations/conversations.jsonl").read_text().splitlines()
    assert [outcome.id for outcome in found.outcomes] == [json.loads(line)["id"] for line in lines]
    assert len(found.choices) == 18, "one about each image"
    total = len(lines) + 18
    assert steps == [(number + 1, total) for number in range(total)]
    assert "Multiple choice" in json.loads((tmp_path / "report.json").read_text())["tables"]
    assert {path.name for path in tmp_path.iterdir()} == {
        "conversations",
        "report.json",
        "outcomes.jsonl",
        "choices.jsonl",
        "report.html",
        "report.md",
    }
    assert "data:image/png;base64" in (tmp_path / "report.html").read_text()


def test_twice_the_same_and_nothing_written(checkpoint: Path, image_root: Path, tmp_path: Path) -> None:
    path = build(image_root, tmp_path, kinds=KINDS).path
    before = sorted(tmp_path.rglob("*"))
    one = evaluate(checkpoint, None, image_root, None, quiet)
    other = evaluate(checkpoint, None, image_root, None, quiet)
    assert one.to_json() == other.to_json()
    given = evaluate(checkpoint, path, image_root, None, quiet)
    assert one.outcomes == other.outcomes == given.outcomes
    assert not given.choices, "the list given holds none"
    assert sorted(tmp_path.rglob("*")) == before


def test_only_questions_about_a_place_that_nobody_rejected_are_asked(
    checkpoint: Path, image_root: Path, tmp_path: Path
) -> None:
    path = build(image_root, tmp_path).path
    conversations = list(read_conversations(path))
    judged = [item for item in conversations if item.kind in KINDS]
    assert len(judged) < len(conversations)
    decide(path, judged[0], "rejected", "me")
    merge(path)
    decide(path, judged[1], "rejected", "me")  # still in the journal, as after a killed review
    found = evaluate(checkpoint, path, image_root, None, quiet)
    assert [outcome.id for outcome in found.outcomes] == [item.id for item in judged[2:]]


def test_the_baseline_goes_the_same_way(image_root: Path, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "unet", tiny_unet())
    found = evaluate(folder, None, image_root, tmp_path / "out", quiet)
    assert "dice" in found.summary
    assert "agreement" not in found.summary
    assert (tmp_path / "out/report.html").is_file()


@pytest.mark.parametrize(
    ("keep", "code"),
    [(slice(0, 0), "empty_list"), (slice(0, 2), "duplicate_id"), (None, "missing_conversations")],
)
def test_lists_that_cannot_be_counted(
    checkpoint: Path, image_root: Path, tmp_path: Path, keep: slice | None, code: str
) -> None:
    path = build(image_root, tmp_path / "list", kinds=KINDS).path
    lines = path.read_text().splitlines(keepends=True)
    if keep is None:
        path.unlink()
    else:
        path.write_text("".join(lines[keep] * 2))
    with pytest.raises(PRSMedError) as error:
        evaluate(checkpoint, path, image_root, tmp_path / "out", quiet)
    assert error.value.code == code
    assert not (tmp_path / "out").exists()


def test_choices_of_a_list_are_asked_and_counted_once(checkpoint: Path, image_root: Path, tmp_path: Path) -> None:
    path = build(image_root, tmp_path, kinds=(*KINDS, CHOICE)).path
    found = evaluate(checkpoint, path, image_root, None, quiet)
    lines = [line for line in path.read_text().splitlines() if json.loads(line)["id"] in {c.id for c in found.choices}]
    assert len(lines) == len(found.choices) > 0
    with path.open("a") as file:
        file.write(f"{lines[0]}\n")
    with pytest.raises(PRSMedError, match="twice"):
        evaluate(checkpoint, path, image_root, None, quiet)


def test_every_choice_is_a_line(checkpoint: Path, image_root: Path, tmp_path: Path) -> None:
    path = build(image_root, tmp_path, kinds=(*KINDS, CHOICE)).path
    found = evaluate(checkpoint, path, image_root, tmp_path / "out", quiet)
    asked = {item.id: item for item in read_conversations(path) if item.kind == CHOICE}
    lines = [json.loads(line) for line in (tmp_path / "out/choices.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == list(asked)
    for line, choice in zip(lines, found.choices, strict=True):
        turn = asked[line["id"]].turn
        assert (line["question"], line["letter"], tuple(line["options"])) == (turn.question, turn.letter, turn.options)
        assert (line["text"], line["chosen"]) == (choice.text, choice.chosen)

    evaluate(checkpoint, build(image_root, tmp_path / "plain", kinds=KINDS).path, image_root, tmp_path / "out", quiet)
    assert not (tmp_path / "out/choices.jsonl").exists(), "left by the earlier run"


def test_every_number_of_the_further_tables_is_in_the_json(checkpoint: Path, image_root: Path, tmp_path: Path) -> None:
    evaluation = evaluate(checkpoint, None, image_root, tmp_path, quiet)
    told = json.loads((tmp_path / "report.json").read_text())["tables"]
    shown = [table for table in evaluation.tables() if table.title in told]
    assert len(shown) == len(told) > 2
    for table in shown:
        for name, *cells in table.rows:
            for column, cell in zip(table.header[1:], cells, strict=True):
                value = told[table.title][name.figure][column]
                number = value.get("value", value["n"]) if isinstance(value, dict) else value
                shown_as = ("-", "n/a") if number is None else (f"{number:.{3 if '.' in cell.figure else 0}f}",)
                assert cell.figure in shown_as


def test_two_runs_write_the_same_bytes(checkpoint: Path, image_root: Path, tmp_path: Path) -> None:
    path = build(image_root, tmp_path / "list", kinds=KINDS).path
    for folder in ("one", "two"):
        evaluate(checkpoint, path, image_root, tmp_path / folder, quiet)
    written = sorted(file.name for file in (tmp_path / "one").iterdir())
    assert written == ["outcomes.jsonl", "report.html", "report.json", "report.md"]
    for name in written:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
