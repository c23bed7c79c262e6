"""Paraphrases: what is kept, what is not, and the two ways to a language model."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml

from prsmed.data.paraphrase import KEPT, paraphrase, reason_against, write_paraphrases
from prsmed.data.paraphrase_cache import ReplyCache
from prsmed.data.questions import Wording
from prsmed.data.speakers import KEY_VARIABLE, EndpointSpeaker, FolderSpeaker
from prsmed.data.wording.slots import SLOTS
from prsmed.errors import PRSMedError

SHIPPED = Wording.load()
KEY = "sk-never-to-be-seen-0123456789"


class Parrot:
    """A speaker that knows its lines by what stands in the prompt."""

    name = "parrot"

    def __init__(self, lines: dict[str, str]) -> None:
        self.lines = lines
        self.heard: list[str] = []

    def say(self, prompt: str) -> str:
        self.heard.append(prompt)
        return next((reply for template, reply in self.lines.items() if f"\n\n{template}\n\n" in prompt), "")


class Server(ThreadingHTTPServer):
    """An endpoint in the chat-completions form; ``plan`` holds status, headers and body of the next replies."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.plan: list[tuple[int, dict[str, str], bytes]] = []
        self.requests: list[tuple[str, dict[str, str], dict[str, object]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def reply(self, text: str) -> None:
        body = {"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]}
        self.plan.append((200, {}, json.dumps(body).encode()))


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.path, dict(self.headers.items()), body))
        status, headers, content = self.server.plan.pop(0)
        if status == 0:  # hang up
            self.connection.close()
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    with Server() as running:
        thread = Thread(target=running.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


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
    mapping = paraphrase(SHIPPED, speaker, ReplyCache(tmp_path / "c.json"), report=lambda *tried: told.append(tried))
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
    paraphrase(SHIPPED, speaker, ReplyCache(tmp_path / "cache.json"))
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
    one = paraphrase(SHIPPED, first, ReplyCache(cache))
    assert paraphrase(SHIPPED, second, ReplyCache(cache)) == one
    assert second.heard == []
    other = Parrot({})
    other.name = "another"
    paraphrase(SHIPPED, other, ReplyCache(cache))
    assert len(other.heard) == len(first.heard)
    third = Parrot({})
    paraphrase(SHIPPED, third, ReplyCache(cache), prompt="Otherwise: {template}")
    assert len(third.heard) == len(first.heard)
    assert "Otherwise: Where {be} {the}?" in third.heard


@pytest.mark.parametrize("content", ["[1]", "{", '{"a": 1}'])
def test_a_file_that_is_no_cache_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "cache.json").write_text(content)
    with pytest.raises(PRSMedError, match=r"cache\.json") as error:
        ReplyCache(tmp_path / "cache.json")
    assert error.value.code == "bad_cache"


def test_a_prompt_needs_a_place_for_the_template(tmp_path: Path) -> None:
    with pytest.raises(PRSMedError, match=r"\{template\}") as error:
        paraphrase(SHIPPED, Parrot({}), ReplyCache(tmp_path / "c.json"), prompt="Reword this!")
    assert error.value.code == "bad_prompt"
    with pytest.raises(PRSMedError, match="none") as error:
        write_paraphrases(tmp_path / "o", Parrot({}), tmp_path / "c.json", prompt=tmp_path / "none.txt")
    assert error.value.code == "missing_prompt"


def test_an_endpoint_is_asked_in_its_form(server: Server) -> None:
    server.reply("Hello.")
    assert EndpointSpeaker(f"{server.url}/", "tiny").say("Say hello.") == "Hello."
    path, headers, body = server.requests[0]
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert (body["model"], body["messages"]) == ("tiny", [{"role": "user", "content": "Say hello."}])


def test_without_a_key_none_is_sent(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE)
    server.reply("Hello.")
    EndpointSpeaker(server.url, "tiny").say("Say hello.")
    assert "Authorization" not in server.requests[0][1]


def test_a_whole_run_over_http(server: Server, tmp_path: Path) -> None:
    for _ in range(400):
        server.reply("Say, where {be} {the}?")
    out = tmp_path / "out.yaml"
    counts = write_paraphrases(out, EndpointSpeaker(server.url, "tiny"), tmp_path / "cache.json")
    assert counts[KEPT] >= 1
    assert counts["placeholders differ"] > 150
    assert "Say, where {be} {the}?" in [p.text for p in Wording.load(out).of("position", "questions", held_out=False)]
    files = [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()]
    assert not [text for text in files if KEY in text]


@pytest.mark.parametrize("trouble", [(503, {}, b""), (429, {"Retry-After": "0"}, b""), (0, {}, b"")])
def test_a_busy_server_is_asked_again(server: Server, trouble: tuple[int, dict[str, str], bytes]) -> None:
    server.plan += [trouble, trouble]
    server.reply("Hello.")
    assert EndpointSpeaker(server.url, "tiny", pause=0.0).say("Say hello.") == "Hello."
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("plan", "code", "told"),
    [
        ([(401, {}, f"bad key {KEY}".encode())], "endpoint_refused", f"401; set {KEY_VARIABLE}"),
        ([(404, {}, b"")], "endpoint_refused", "404; check address and model"),
        ([(307, {"Location": "http://example.org/"}, b"")], "endpoint_refused", "307"),
        ([(200, {}, b"<html>")], "bad_reply", "chat-completions"),
        ([(200, {}, b'{"choices": []}')], "bad_reply", "chat-completions"),
        ([(200, {}, b'{"choices": [{"message": {"content": null}}]}')], "bad_reply", "chat-completions"),
        ([(500, {}, b"")] * 3, "endpoint_unreachable", "3 tries .status 500."),
    ],
)
def test_trouble_is_told_without_the_key(
    server: Server,
    caplog: pytest.LogCaptureFixture,
    plan: list[tuple[int, dict[str, str], bytes]],
    code: str,
    told: str,
) -> None:
    server.plan += plan
    with caplog.at_level(logging.DEBUG), pytest.raises(PRSMedError, match=told) as error:
        EndpointSpeaker(server.url, "tiny", retries=2, pause=0.0).say("Say hello.")
    assert error.value.code == code
    assert KEY not in str(error.value) + caplog.text + repr(error.value.__context__)
    assert len(server.requests) == len(plan)


def test_a_silent_server_is_left(server: Server) -> None:
    server.server_close()
    with pytest.raises(PRSMedError, match="ConnectError") as error:
        EndpointSpeaker(server.url, "tiny", retries=1, pause=0.0, timeout=1.0).say("Say hello.")
    assert error.value.code == "endpoint_unreachable"


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host/v1", "http:///v1", "http://me:secret@host/v1"])
def test_a_bad_address_is_told(url: str) -> None:
    with pytest.raises(PRSMedError) as error:
        EndpointSpeaker(url, "tiny")
    assert error.value.code == "bad_endpoint"
    assert "secret" not in str(error.value)


def test_a_spoiled_key_is_told_but_not_repeated(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "schlüssel\nx")
    with pytest.raises(PRSMedError) as error:
        EndpointSpeaker(server.url, "tiny").say("Say hello.")
    assert error.value.code == "bad_key"
    assert "schl" not in str(error.value)


@pytest.fixture(scope="module")
def save_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    def save(context: int, chat: bool) -> Path:
        import torch
        from tokenizers import Tokenizer, models, pre_tokenizers
        from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

        folder = tmp_path_factory.mktemp("model")
        tokenizer = Tokenizer(models.WordLevel({"<unk>": 0, "where": 1, "polyp": 2, "is": 3, "</s>": 4}, "<unk>"))
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", eos_token="</s>")
        if chat:
            fast.chat_template = "{% for m in messages %}{{ m.content }} is {% endfor %}"
        fast.save_pretrained(folder)
        torch.manual_seed(0)
        config = LlamaConfig(
            vocab_size=5,
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=context,
        )
        LlamaForCausalLM(config).save_pretrained(folder)
        return folder

    return save


@pytest.mark.parametrize("chat", [False, True])
def test_a_model_in_a_folder_speaks(save_model: Callable[..., Path], chat: bool) -> None:
    speaker = FolderSpeaker(save_model(context=64, chat=chat))
    reply = speaker.say("where is polyp")
    assert reply == speaker.say("where is polyp")
    assert reply
    assert set(reply.split()) <= {"where", "polyp", "is"}


def test_a_model_in_a_folder_is_not_believed(save_model: Callable[..., Path], tmp_path: Path) -> None:
    speaker = FolderSpeaker(save_model(context=48, chat=False))
    wording, prompt, out = tmp_path / "mine.yaml", tmp_path / "prompt.txt", tmp_path / "out.yaml"
    wording.write_text("position:\n  questions:\n    train: ['Quo vadis, {target}?']\n", encoding="utf-8")
    prompt.write_text("where is {template}")
    counts = write_paraphrases(out, speaker, tmp_path / "cache.json", wording=wording, prompt=prompt)
    assert KEPT not in counts
    assert counts["placeholders differ"] > 10
    assert [p.text for p in Wording.load(out).of("position", "questions", held_out=False)] == ["Quo vadis, {target}?"]


def test_a_prompt_that_does_not_fit_the_model_is_told(save_model: Callable[..., Path]) -> None:
    with pytest.raises(PRSMedError) as error:
        FolderSpeaker(save_model(context=8, chat=False)).say("where is polyp " * 5)
    assert error.value.code == "prompt_too_long"


def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(PRSMedError) as error:
            FolderSpeaker(folder)
        assert error.value.code == "bad_model_folder"
