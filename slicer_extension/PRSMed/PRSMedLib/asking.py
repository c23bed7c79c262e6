"""A question on its way: as a stream where the server has one, else MONAI Label's plain route."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from PRSMedLib.answer import Answer
from PRSMedLib.i18n import tr as _
from PRSMedLib.nrrd import decode
from PRSMedLib.problem import Problem
from PRSMedLib.regions import Mask, maskOf
from PRSMedLib.server import ANSWER_SECONDS, TASK, Server

if TYPE_CHECKING:
    import requests

# The server breaks every silence of its own after 15 s.
_SILENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        text: The question.
        source: Where the server finds the image: ``{"image": ID}`` or ``{"session_id": ID}``.
        view: ``mode``, ``plane``, ``slice``, ``slice_range`` and ``window``, as far as they are told (docs/asking.md).
        conversation: Id of the conversation it goes on with.
        ticket: What the server's line knows it by.
    """

    text: str
    source: dict[str, str]
    view: dict[str, Any]
    conversation: str | None = None
    ticket: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def params(self) -> dict[str, Any]:
        """The JSON of the Ask contract."""
        said = {"prompt": self.text, **self.view, "result_extension": ".nrrd"}
        return {**said, "conversation": self.conversation} if self.conversation else said


@dataclass(frozen=True)
class Queued:
    """So many questions come before."""

    position: int


@dataclass(frozen=True)
class Sliced:
    """So many slices are done."""

    done: int
    total: int


@dataclass(frozen=True)
class Masked:
    """The mask is there (``None``: nothing to outline), with all but the words."""

    answer: Answer
    mask: Mask | None


@dataclass(frozen=True)
class Worded:
    """Some more of the words."""

    text: str


@dataclass(frozen=True)
class Answered:
    """All of it; the last event."""

    answer: Answer


Event = Queued | Sliced | Masked | Worded | Answered


def stream(server: Server, question: Question) -> Iterator[Event]:
    """Ask, and tell each event as it comes.

    Raises:
        Problem: Whatever went wrong; ``lost`` when the stream ends before the answer.
    """
    image = question.source.get("image")
    path = f"/ask/{_quoted(image)}" if image else "/ask/"
    query = {} if image else question.source
    body = {**question.params, "ticket": question.ticket}
    with server.request("POST", path, params=query, json=body, readSeconds=_SILENCE_SECONDS) as response:
        for name, told in serverSentEvents(response):
            event = _event(name, told)
            if event is not None:
                yield event
            if isinstance(event, Answered):
                return
    raise Problem(
        "lost", _("The server stopped in the middle of its answer. See whether it still runs, then ask again.")
    )


def askPlain(server: Server, question: Question) -> Iterator[Event]:
    """Ask MONAI Label's route: all comes at once."""
    query = {**question.source, "output": "all"}
    fields = {"params": (None, json.dumps(question.params))}
    with server.request("POST", f"/infer/{TASK}", params=query, files=fields, readSeconds=ANSWER_SECONDS) as response:
        told, mask = _parts(response)
    answer = Answer.fromServer(told)
    yield Masked(answer, maskOf(decode(mask)) if mask else None)
    yield Answered(answer)


def cancel(server: Server, question: Question) -> None:
    """Tell the server that nobody waits any more; that it has forgotten the question is fine too."""
    try:
        with server.request("DELETE", f"/queue/{question.ticket}"):
            pass
    except Problem:
        pass


def serverSentEvents(response: requests.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and content of each event, as soon as it is whole."""
    rest = b""
    # Without chunks (behind an old proxy) a larger piece would be waited for.
    isChunked = response.headers.get("transfer-encoding", "").lower() == "chunked"
    for chunk in response.iter_content(chunk_size=None if isChunked else 1):
        *blocks, rest = (rest + chunk).split(b"\n\n")
        for block in blocks:
            fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if b": " in line)
            if b"event" in fields and b"data" in fields:
                yield fields[b"event"].decode(), json.loads(fields[b"data"])


def _event(name: str, told: dict[str, Any]) -> Event | None:
    if name == "queued":
        return Queued(int(told["position"]))
    if name == "progress":
        return Sliced(int(told["done"]), int(told["total"]))
    if name == "token":
        return Worded(str(told["text"]))
    if name == "mask":
        mask = told.get("mask")
        return Masked(Answer.fromServer(told), maskOf(decode(base64.b64decode(mask["base64"]))) if mask else None)
    if name == "answer":
        return Answered(Answer.fromServer(told))
    if name == "error":
        error = told.get("error") or {}
        raise Problem(str(error.get("code", "server_fault")), str(error.get("message", _("The server failed."))))
    return None


def _parts(response: requests.Response) -> tuple[dict[str, Any], bytes | None]:
    """JSON and mask file of a multipart answer, or JSON alone."""
    kind = response.headers.get("content-type", "")
    if not kind.startswith("multipart/"):
        return json.loads(response.content), None
    boundary = b"--" + kind.split("boundary=")[1].split(";")[0].strip('"').encode()
    found: dict[str, bytes] = {}
    for part in response.content.split(boundary)[1:-1]:
        head, _separator, content = part.partition(b"\r\n\r\n")
        found[head.split(b'name="', 1)[1].split(b'"')[0].decode()] = content.removesuffix(b"\r\n")
    return json.loads(found["params"]), found.get("image")


def _quoted(image: str) -> str:
    from urllib.parse import quote

    return quote(image, safe="")
