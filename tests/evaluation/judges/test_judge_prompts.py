"""The judges' prompts."""

from __future__ import annotations

from pathlib import Path

import pytest
from evaluation_set import outcome

from prsmed.errors import PRSMedError
from prsmed.evaluation.judges.prompts import Prompt, load_prompts

GOOD = "prompts:\n- name: mine\n  text: 'Q {question} T {truth} A {answer}'\n"


def test_ours_are_three_and_hold_question_truth_and_answer() -> None:
    prompts = load_prompts()
    assert [prompt.name for prompt in prompts] == ["specialist", "doctor", "looking"]
    for prompt in prompts:
        filled = prompt.fill(outcome(question="Where is it?", true_answer="At the top.", text="At the bottom."))
        assert all(filled.count(part) == 1 for part in ("Where is it?", "At the top.", "At the bottom."))
        assert "{" not in filled
        assert {"yes", "no"} <= set(filled.lower().replace(".", " ").replace(":", " ").replace(",", " ").split())


def test_braces_of_an_answer_stay() -> None:
    filled = Prompt("mine", "{question}|{truth}|{answer}").fill(outcome(question="{answer}", text=" {truth} {x}\n"))
    assert filled == "{answer}|There.|{truth} {x}"


def test_a_users_file_takes_their_place(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD)
    assert load_prompts(path) == (Prompt("mine", "Q {question} T {truth} A {answer}"),)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "no list 'prompts'"),
        ("prompts: []", "no list 'prompts'"),
        ("- a", "no list 'prompts'"),
        ("prompts: [", "is no YAML"),
        ("prompts: [text]", "prompt 1 is not a name and a text"),
        ("prompts: [{name: a, text: 3}]", "prompt 1 is not a name and a text"),
        ("prompts: [{name: '', text: b}]", "prompt 1 has no name"),
        (GOOD.replace("A {answer}", ""), r"'mine' holds \{answer\} 0 times"),
        (GOOD.replace("Q", "{question}"), r"'mine' holds \{question\} 2 times"),
        (GOOD + GOOD.removeprefix("prompts:\n"), "two prompts named 'mine'"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(content)
    with pytest.raises(PRSMedError, match=f"mine.yaml.*{told}") as error:
        load_prompts(path)
    assert error.value.code == "bad_prompts"


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(PRSMedError, match=r"none\.yaml"):
        load_prompts(tmp_path / "none.yaml")
