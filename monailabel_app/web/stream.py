"""An answer as server-sent events."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import anyio

from monailabel_app.ask import Asked, AskTask
from monailabel_app.errors import error_json, error_of
from monailabel_app.question import Question
from prsmed.errors import PRSMedError
from prsmed.inference import Answer, Event, MaskEvent, ProgressEvent, TokenEvent

if TYPE_CHECKING:
    from monailabel_app.app import PRSMedApp

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.25
# Proxies close connections that are silent for long.
_SILENCE_SECONDS = 15.0


async def stream_events(
    app: PRSMedApp, task: AskTask, question: Question, by: Asked, threads: anyio.CapacityLimiter
) -> AsyncIterator[bytes]:
    """Ask in a thread, and tell each event as it comes. The ticket is given back in the end, however it comes."""
    loop = asyncio.get_running_loop()
    events: asyncio.Queue[Event | PRSMedError | None] = asyncio.Queue()

    def ask() -> None:
        def put(event: Event | PRSMedError | None) -> None:
            loop.call_soon_threadsafe(events.put_nowait, event)

        try:
            task.answer(question, by.ticket, put)
        except PRSMedError as error:
            put(error)
        except Exception:
            logger.exception("A question failed")
            put(None)

    asking = asyncio.create_task(anyio.to_thread.run_sync(ask, limiter=threads))
    try:
        event: Event | PRSMedError | None = None
        async for text in _while_waiting(app, by, events):
            yield text
        while not isinstance(event, Answer | PRSMedError):
            event = await events.get()
            if event is None:
                yield _event("error", error_json("internal_error", "the server failed; its log says why"))
                return
            yield await _tell(app, task, question, by, event)
    finally:
        app.line.give_up(by.ticket)
        app.line.leave(by.ticket)
        # Held until the thread is done with the model.
        _asking.add(asking)
        asking.add_done_callback(_asking.discard)


_asking: set[asyncio.Task[None]] = set()


async def _while_waiting(app: PRSMedApp, by: Asked, events: asyncio.Queue[Any]) -> AsyncIterator[bytes]:
    """``queued`` whenever the place in the line changes, until the first event is there."""
    told, silent = -1, 0.0
    while events.empty():
        place = app.line.place_of(by.ticket)
        if place != told:
            yield _event("queued", {"ticket": by.ticket.id, "position": place})
            told, silent = place, 0.0
        elif silent > _SILENCE_SECONDS:
            yield b": still here\n\n"
            silent = 0.0
        await asyncio.sleep(_POLL_SECONDS if place else _POLL_SECONDS / 10)
        silent += _POLL_SECONDS


async def _tell(app: PRSMedApp, task: AskTask, question: Question, by: Asked, event: Event | PRSMedError) -> bytes:
    if isinstance(event, PRSMedError):
        return _event("error", error_of(event))
    if isinstance(event, ProgressEvent):
        return _event("progress", asdict(event))
    if isinstance(event, TokenEvent):
        return _event("token", {"text": event.text})
    if isinstance(event, MaskEvent):
        mask = await anyio.to_thread.run_sync(lambda: _mask(app, question, event))
        return _event("mask", mask)
    return _event("answer", task.finish(question, event, by))


def _mask(app: PRSMedApp, question: Question, event: MaskEvent) -> dict[str, Any]:
    told: dict[str, Any] = {
        "present": asdict(event.present),
        "findings": [asdict(finding) for finding in event.findings],
        "label_names": event.label_names,
        "view": question.view,
        "mask": None,
    }
    if event.mask.any():
        file = question.mask_file(event.mask, app.scratch.path)
        try:
            content = base64.b64encode(file.read_bytes()).decode()
        finally:
            file.unlink()
        told["mask"] = {"name": f"mask{question.extension}", "base64": content}
    return told


def _event(name: str, content: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(content)}\n\n".encode()
