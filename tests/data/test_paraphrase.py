"""Paraphrases: what is kept, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from chat_server import KEY, ChatServer
from tiny_folder import save_model

from prsmed.data.paraphrase import KEPT, paraphrase, reason_against, write_paraphrases
from prsmed.data.questions import Wording
from prsmed.data.wording.slots import SLOTS
from prsmed.errors import PRSMedError
from prsmed.speakers import EndpointSpeaker, FolderSpeaker, Replies

SHIPPED = Wording.load()


class Parrot:
    """A speaker that knows its lines by what stands in the prompt."""

    name = "parrot"

    def __init__(self, lines: dict[str, str]) -> None:
        self.lines = lines
        self.heard: list[str] = []

    def say(self, prompt: str) -> str:
        self.heard.append(prompt)
        return next((reply for template, reply in self.lines.items() if f"\n\n{template}\n\n" in prompt), "")


@pytest.mark.parametrize(
    ("where", "template", "text", "verdict"),
    [
        ("position.questions", "Where {be} {the} {here}?", "{Be} {the} somewhere {here}?", None),
        ("position.questions", "Where {be} {the} {here}?", "Where {be} {the}?", "placeholders differ"),
        ("position.questions", "Where {be} {the} {here}?", "Where {be} {the} {here} {now}?", "placeholders differ"),
        ("position.questions", "Where {be} {the} {here}?", "Where {be the} {here}?", "placeholders differ"),
        ("position.questions", "Where {be} {the}?", "At the top left, {be} {the} there?", "position differs"),
        ("position.questions", "Where {be} {it}, {the}?", "Where {be} {it}, a cyst or {the}?", "target differs"),
        ("position.answers", "{The} {be} {place}.", "You will find that {the} {be} {place}.", None),
        ("position.answers", "{The} {be} {place}.", "{The} {be} not {place}.", "does not do for its list"),
        ("position.answers", "{The} {be} {place}.", "{The} {be} {place}, on the top left.", "does not do for its list"),
        ("position.answers", "{The} {be} {place}.", "Near the center, {the} {be} {place}.", "position differs"),
        ("position.answers", "{The} {be} {place}.", "Two of {the} {be} {place}.", "position differs"),
        ("yes_no.disagree", "No, {said}.", "Wrong, {said}.", "does not do for its list"),
        ("yes_no.questions", "{Be} {the} {where}?", "Can it be that {the} {be} {where}?", None),
        ("yes_no.questions", "{Be} {the} {where}?", "{Be} {the} on the left or {where}?", "position differs"),
        ("absent.answers", "There {be} no {target} here.", "Here {be} {target}.", "does not do for its list"),
    ],
)
def test_what_is_kept(where: str, template: str, text: str, verdict: str | None) -> None:
    section, name = where.split(".")
    assert reason_against(template, text, SLOTS[section][name]) == verdict


def test_only_what_survives_the_check_is_a_wording(tmp_path: Path) -> None:
    held_out = SHIPPED.of("position", "questions", held_out=True)[0].text
    speaker = Parrot(
        {
            "Where {be} {the}?": '1. "Tell me, where {be} {the}?"\n\n- Where {be} {the} ?\n* Where lies it?',
            "Where {be} {the} {here}?": held_out.replace("Please tell", "please tell"),
            "{The} {be} {place}.": "I report {the} {place}: {be} that clear?\n{The} {be} {place}\n{The} {be} left.",
        }
    )
    told: list[tuple[str, str, str]] = []
    mapping = paraphrase(SHIPPED, speaker, Replies(tmp_path / "c.json"), report=lambda *tried: told.append(tried))
    assert mapping["extend"] is True
    assert mapping["position"]["questions"]["train"] == ["Tell me, where {be} {the}?"]
    assert mapping["position"]["answers"]["train"][0] == "I report {the} {place}: {be} that clear?"
    assert {verdict for _, text, verdict in told if "lies it" in text} == {"placeholders differ"}
    assert {verdict for _, text, verdict in told if "please tell" in text} == {"already there"}
    path = tmp_path / "more.yaml"
    path.write_text(yaml.safe_dump(mapping), encoding="utf-8")
    more = Wording.load(path).of("position", "questions", held_out=False)
    assert more[:-1] == SHIPPED.of("position", "questions", held_out=False)
    assert more[-1].text == "Tell me, where {be} {the}?"
    assert more[-1].id.startswith("user/")


def test_held_out_wordings_are_not_sent(tmp_path: Path) -> None:
    speaker = Parrot({})
    paraphrase(SHIPPED, speaker, Replies(tmp_path / "cache.json"))
    held_out = [p.text for leaf, some in SHIPPED.phrases.items() if leaf[2] == "held_out" for p in some]
    assert not [text for text in held_out if any(f"\n{text}\n" in prompt for prompt in speaker.heard)]
    assert len(speaker.heard) > 200


def test_a_users_wordings_stay_beside_their_paraphrases(tmp_path: Path) -> None:
    mine, out = tmp_path / "mine.yaml", tmp_path / "out.yaml"
    mine.write_text("position:\n  questions:\n    train: ['Quo vadis, {target}?']\n", encoding="utf-8")
    speaker = Parrot({"Quo vadis, {target}?": "Whither, {target}?"})
    counts = write_paraphrases(out, speaker, tmp_path / "cache.json", wording=mine)
    assert counts == {KEPT: 1}
    loaded = Wording.load(out)
    texts = [phrase.text for phrase in loaded.of("position", "questions", held_out=False)]
    assert texts == ["Quo vadis, {target}?", "Whither, {target}?"]
    assert loaded.places("brain_mri") == SHIPPED.places("brain_mri")


def test_replies_are_asked_for_once(tmp_path: Path) -> None:
    cache = tmp_path / "deep" / "cache.json"
    first, second = Parrot({"Where {be} {the}?": "Say, where {be} {the}?"}), Parrot({})
    one = paraphrase(SHIPPED, first, Replies(cache))
    assert paraphrase(SHIPPED, second, Replies(cache)) == one
    assert second.heard == []
    other = Parrot({})
    other.name = "another"
    paraphrase(SHIPPED, other, Replies(cache))
    assert len(other.heard) == len(first.heard)
    third = Parrot({})
    paraphrase(SHIPPED, third, Replies(cache), prompt="Otherwise: {template}")
    assert len(third.heard) == len(first.heard)
    assert "Otherwise: Where {be} {the}?" in third.heard


def test_a_prompt_needs_a_place_for_the_template(tmp_path: Path) -> None:
    with pytest.raises(PRSMedError, match=r"\{template\}") as error:
        paraphrase(SHIPPED, Parrot({}), Replies(tmp_path / "c.json"), prompt="Reword this!")
    assert error.value.code == "bad_prompt"
    with pytest.raises(PRSMedError, match="none") as error:
        write_paraphrases(tmp_path / "o", Parrot({}), tmp_path / "c.json", prompt=tmp_path / "none.txt")
    assert error.value.code == "missing_prompt"


def test_a_whole_run_over_http(chat: ChatServer, tmp_path: Path) -> None:
    for _ in range(400):
        chat.reply("Say, where {be} {the}?")
    out = tmp_path / "out.yaml"
    counts = write_paraphrases(out, EndpointSpeaker(chat.url, "tiny"), tmp_path / "cache.json")
    assert counts[KEPT] >= 1
    assert counts["placeholders differ"] > 150
    assert "Say, where {be} {the}?" in [p.text for p in Wording.load(out).of("position", "questions", held_out=False)]
    files = [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()]
    assert not [text for text in files if KEY in text]


def test_a_model_in_a_folder_is_not_believed(tmp_path: Path) -> None:
    speaker = FolderSpeaker(save_model(tmp_path / "model", context=48, chat=False))
    wording, prompt, out = tmp_path / "mine.yaml", tmp_path / "prompt.txt", tmp_path / "out.yaml"
    wording.write_text("position:\n  questions:\n    train: ['Quo vadis, {target}?']\n", encoding="utf-8")
    prompt.write_text("where is {template}")
    counts = write_paraphrases(out, speaker, tmp_path / "cache.json", wording=wording, prompt=prompt)
    assert KEPT not in counts
    assert counts["placeholders differ"] > 10
    assert [p.text for p in Wording.load(out).of("position", "questions", held_out=False)] == ["Quo vadis, {target}?"]
