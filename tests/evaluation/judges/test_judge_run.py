"""Judging over HTTP, from answers to files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from chat_server import KEY, ChatServer
from spoken_answers import spoken
from tiny_folder import save_model

from prsmed.errors import PRSMedError
from prsmed.evaluation.judges.agents import open_agents
from prsmed.evaluation.judges.judgement import Judgement
from prsmed.evaluation.judges.prompts import load_prompts
from prsmed.evaluation.judges.run import TRANSCRIPTS, judge_answers
from prsmed.evaluation.outcome import Outcome

Parsing = Callable[[str, str], str]


def run(chat: ChatServer, outcomes: list[Outcome], out: Path, *agents: str, **more: Path) -> Judgement:
    opened = open_agents([f"{agent}@{chat.url}" for agent in agents], [])
    return judge_answers(outcomes, opened, load_prompts(), out, lambda *_: None, **more)


def test_two_agents_judge_every_answer_that_has_words(
    chat: ChatServer, parsing: Parsing, outcomes: list[Outcome], tmp_path: Path
) -> None:
    chat.think = parsing
    judgement = run(chat, outcomes, tmp_path / "out", "plain", "second=wordy")
    assert (len(judgement.judged), judgement.without_words) == (14, 1)
    for rater in ("plain", "second", "all agents", "parser"):
        assert judgement.present[rater].row["macro"].value == pytest.approx(0.75)
        assert judgement.absent[rater].row["macro"].value == 0.5
    assert all(pair.agreement and pair.agreement.kappa and pair.agreement.kappa.value == 1 for pair in judgement.pairs)
    told = json.loads((tmp_path / "out/judges.json").read_text())
    assert told["agents"]["second"]["model"] == "wordy"
    assert told["agents"]["plain"]["yes"] == 3 * 10
    assert told["agents"]["plain"]["not_read"] == 0
    rows = [json.loads(line) for line in (tmp_path / "out/verdicts.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == [f"val-{n}" for n in range(14)]
    assert rows[13]["agents"]["plain"] == dict.fromkeys(("specialist", "doctor", "looking"), False)
    assert "1 without words are not judged" in (tmp_path / "out/judges.md").read_text()
    assert {(body["temperature"], body["max_tokens"]) for _, _, body in chat.requests} == {(0, 64)}
    assert not [path for path in (tmp_path / "out").iterdir() if KEY in path.read_text()]


def test_nothing_is_asked_twice(chat: ChatServer, parsing: Parsing, outcomes: list[Outcome], tmp_path: Path) -> None:
    chat.think = parsing
    one = run(chat, outcomes, tmp_path, "plain")
    asked = len(chat.requests)
    # Twelve present answers repeat after eight: 8 x 3 requests, and three for each absent one.
    assert asked == len({body["messages"][0]["content"] for _, _, body in chat.requests}) < 3 * 14  # type: ignore[index]
    assert run(chat, outcomes, tmp_path, "plain").to_json() == one.to_json()
    assert len(chat.requests) == asked
    run(chat, outcomes, tmp_path, "plain", "other=plain")
    assert len(chat.requests) == 2 * asked, "another agent is asked itself"


def test_a_stopped_run_goes_on(chat: ChatServer, parsing: Parsing, outcomes: list[Outcome], tmp_path: Path) -> None:
    calls = []

    def dying(model: str, prompt: str) -> str:
        calls.append(prompt)
        if len(calls) == 9:
            chat.plan += [(401, {}, b"")] * 40
        return parsing(model, prompt)

    chat.think = dying
    with pytest.raises(PRSMedError, match="401") as error:
        run(chat, outcomes, tmp_path, "plain")
    assert error.value.code == "endpoint_refused"
    kept = len((tmp_path / TRANSCRIPTS).read_text().splitlines())
    assert kept >= 5
    chat.plan, chat.think = [], parsing
    chat.requests.clear()
    whole = run(chat, outcomes, tmp_path, "plain")
    assert whole.present["plain"].row["macro"].value == pytest.approx(0.75)
    assert kept + len(chat.requests) == len((tmp_path / TRANSCRIPTS).read_text().splitlines())


def test_what_cannot_be_read_is_shown(chat: ChatServer, outcomes: list[Outcome], tmp_path: Path) -> None:
    chat.think = lambda model, prompt: "It depends." if "doctor on duty" in prompt else "Yes."
    judgement = run(chat, outcomes, tmp_path, "plain")
    assert judgement.to_json()["agents"]["plain"] | {"settings": ""} == {
        "model": "plain",
        "settings": "",
        "yes": 28,
        "no": 0,
        "not_read": 14,
    }
    assert "| plain | plain | 42 | 28 | 0 | 14 |" in judgement.to_markdown()
    chat.think = lambda model, prompt: "..."
    judgement = run(chat, outcomes, tmp_path, "mute")
    assert judgement.present["mute"].row == {}
    assert "| mute / parser | 0 | - | - | - |" in judgement.to_markdown()


def test_a_human_sheet_joins_in(chat: ChatServer, parsing: Parsing, outcomes: list[Outcome], tmp_path: Path) -> None:
    lines = [f"{o.id},,,{o.text},{'no' if o.id == 'val-3' else 'yes'}" for o in outcomes[:6]]
    (tmp_path / "sheet.csv").write_text("\n".join(["id,question,truth,answer,same_place", *lines]))
    chat.think = parsing
    judgement = run(chat, outcomes, tmp_path / "out", "plain", human=tmp_path / "sheet.csv")
    pair = next(pair for pair in judgement.pairs if (pair.first, pair.second) == ("plain", "human"))
    assert pair.agreement is not None
    assert (pair.agreement.share.n, pair.agreement.share.value) == (6, 1)


def test_without_agents_the_parser_and_the_words_are_told(outcomes: list[Outcome], tmp_path: Path) -> None:
    judgement = judge_answers(outcomes, (), load_prompts(), tmp_path / "out", lambda *_: None)
    assert list(judgement.present) == ["parser"]
    assert judgement.title.startswith("14 answers judged by the zone parser")
    assert [table.title for table in judgement.tables()][-1].startswith("Words in common")


def test_answers_without_words_cannot_be_judged(tmp_path: Path) -> None:
    with pytest.raises(PRSMedError) as error:
        judge_answers([spoken(0, None)], (), load_prompts(), tmp_path, lambda *_: None)
    assert error.value.code == "no_words"


def test_a_local_model_judges_as_far_as_it_can(outcomes: list[Outcome], tmp_path: Path) -> None:
    folder = save_model(tmp_path / "five-words", context=400, chat=True)
    agents = open_agents([], [f"{folder}"], max_tokens=4, device="cpu")
    judgement = judge_answers(outcomes[:2], agents, load_prompts(), tmp_path / "out", lambda *_: None)
    assert judgement.to_json()["agents"]["five-words"]["not_read"] == 6


@pytest.mark.parametrize(
    ("endpoints", "told"),
    [
        (["llama"], "MODEL@URL"),
        (["http://localhost:1/v1"], "MODEL@URL"),
        (["m@ftp://localhost/v1"], "MODEL@URL"),
        (["m@http://h/v1", "m@http://i/v1"], "'m' is taken"),
        (["parser=m@http://h/v1"], "'parser' is taken"),
        (["m@http://me:secret@h/v1"], "holds a user or password"),
    ],
)
def test_agents_of_another_form_are_told(endpoints: list[str], told: str) -> None:
    with pytest.raises(PRSMedError, match=told) as error:
        open_agents(endpoints, [])
    assert "secret" not in str(error.value)


def test_names_models_and_keys(chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRSMED_LLM_KEY_MY_JUDGE", "sk-own")
    agents = open_agents([f"my-judge=org/model@2:b@{chat.url}", f"plain@{chat.url}"], [])
    assert [(agent.name, agent.speaker.name) for agent in agents] == [("my-judge", "org/model@2:b"), ("plain", "plain")]
    for agent in agents:
        chat.reply("yes")
        agent.speaker.say("?")
    assert [headers["Authorization"] for _, headers, _ in chat.requests] == ["Bearer sk-own", f"Bearer {KEY}"]
