"""A language model behind an endpoint: what is sent, and what is told when that goes wrong."""

from __future__ import annotations

import logging

import pytest
from chat_server import KEY, ChatServer, completion

from prsmed.errors import PRSMedError
from prsmed.speakers import KEY_VARIABLE, EndpointSpeaker


def test_an_endpoint_is_asked_in_its_form(chat: ChatServer) -> None:
    chat.reply("Hello.")
    assert EndpointSpeaker(f"{chat.url}/", "tiny").say("Say hello.") == "Hello."
    path, headers, body = chat.requests[0]
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert (body["model"], body["messages"]) == ("tiny", [{"role": "user", "content": "Say hello."}])


def test_without_a_key_none_is_sent(chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE)
    chat.reply("Hello.")
    EndpointSpeaker(chat.url, "tiny").say("Say hello.")
    assert "Authorization" not in chat.requests[0][1]


@pytest.mark.parametrize("trouble", [(503, {}, b""), (429, {"Retry-After": "0"}, b""), (0, {}, b"")])
def test_a_busy_server_is_asked_again(chat: ChatServer, trouble: tuple[int, dict[str, str], bytes]) -> None:
    chat.plan += [trouble, trouble]
    chat.reply("Hello.")
    assert EndpointSpeaker(chat.url, "tiny", pause=0.0).say("Say hello.") == "Hello."
    assert len(chat.requests) == 3


@pytest.mark.parametrize(
    ("plan", "code", "told"),
    [
        ([(401, {}, f"bad key {KEY}".encode())], "endpoint_refused", f"401; set {KEY_VARIABLE}"),
        ([(404, {}, b"")], "endpoint_refused", "404; check address and model"),
        ([(307, {"Location": "http://example.org/"}, b"")], "endpoint_refused", "307"),
        ([(200, {}, b"<html>")], "bad_reply", "chat-completions"),
        ([(200, {}, b'{"choices": []}')], "bad_reply", "chat-completions"),
        ([(200, {}, b'{"choices": [{"message": {"content": null}}]}')], "bad_reply", "chat-completions"),
        ([(200, {}, b'{"choices": ["text"]}')], "bad_reply", "chat-completions"),
        ([(400, {}, b"")] * 3, "endpoint_refused", "400; check address and model"),
        ([(500, {}, b"")] * 3, "endpoint_unreachable", "3 tries .status 500."),
    ],
)
def test_trouble_is_told_without_the_key(
    chat: ChatServer,
    caplog: pytest.LogCaptureFixture,
    plan: list[tuple[int, dict[str, str], bytes]],
    code: str,
    told: str,
) -> None:
    chat.plan += plan
    with caplog.at_level(logging.DEBUG), pytest.raises(PRSMedError, match=told) as error:
        EndpointSpeaker(chat.url, "tiny", retries=2, pause=0.0).say("Say hello.")
    assert error.value.code == code
    assert KEY not in str(error.value) + caplog.text + repr(error.value.__context__)
    assert len(chat.requests) == len(plan)


def test_a_silent_server_is_left(chat: ChatServer) -> None:
    chat.server_close()
    with pytest.raises(PRSMedError, match="ConnectError") as error:
        EndpointSpeaker(chat.url, "tiny", retries=1, pause=0.0, timeout=1.0).say("Say hello.")
    assert error.value.code == "endpoint_unreachable"


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host/v1", "http:///v1", "http://me:secret@host/v1"])
def test_a_bad_address_is_told(url: str) -> None:
    with pytest.raises(PRSMedError) as error:
        EndpointSpeaker(url, "tiny")
    assert error.value.code == "bad_endpoint"
    assert "secret" not in str(error.value)


def test_a_spoiled_key_is_told_but_not_repeated(chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "schlüssel\nx")
    with pytest.raises(PRSMedError) as error:
        EndpointSpeaker(chat.url, "tiny").say("Say hello.")
    assert error.value.code == "bad_key"
    assert "schl" not in str(error.value)


def test_thoughts_are_turned_off_where_the_server_can(chat: ChatServer) -> None:
    chat.plan += [(400, {}, b""), (422, {}, b"")]
    chat.reply("Yes.")
    chat.reply("No.")
    speaker = EndpointSpeaker(chat.url, "tiny", max_tokens=7)
    assert [speaker.say("One?"), speaker.say("Two?")] == ["Yes.", "No."]
    quiet = [(body.get("chat_template_kwargs"), body.get("reasoning_effort")) for _, _, body in chat.requests]
    off = {"enable_thinking": False}
    assert quiet == [(off, "none"), (off, None), (None, None), (None, None)], "what was refused is not tried again"
    assert {body["max_tokens"] for _, _, body in chat.requests} == {7}


def test_a_reply_cut_off_in_its_thoughts_is_empty(chat: ChatServer) -> None:
    chat.plan.append((200, {}, completion(None, "length")))
    assert EndpointSpeaker(chat.url, "tiny").say("Say hello.") == ""


def test_every_endpoint_may_have_its_own_key(chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_KEY", "sk-other")
    chat.reply("Hello.")
    EndpointSpeaker(chat.url, "tiny", key_variable="OTHER_KEY").say("Say hello.")
    assert chat.requests[0][1]["Authorization"] == "Bearer sk-other"
