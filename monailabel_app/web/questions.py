"""The routes of a question: MONAI Label's, the one that streams, and the line they stand in."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

import anyio
from fastapi import APIRouter, Body, File, Form, Query, Request, UploadFile
from fastapi import Path as PathParameter
from fastapi.responses import JSONResponse, Response, StreamingResponse
from monailabel.endpoints.infer import ResultType
from monailabel.interfaces.utils.app import app_instance
from monailabel.utils.others.generic import get_mime_type
from requests_toolbelt import MultipartEncoder

from monailabel_app.guard.files import take_upload
from monailabel_app.guard.identity import Person
from monailabel_app.guard.names import SESSION_ID, TASK_NAME, TICKET
from monailabel_app.guard.objects import check_object, parse_object
from monailabel_app.settings import server_settings
from monailabel_app.turns import Ticket
from monailabel_app.web.people import User
from monailabel_app.web.stream import stream_events
from prsmed.errors import PRSMedError

router = APIRouter(tags=["Infer"])
Result = TypeVar("Result")
TicketId = Annotated[str, PathParameter(pattern=TICKET)]
_WATCH_SECONDS = 0.5
# What only the path and the server may say of a question.
_NOT_IN_PARAMS = frozenset({"asked", "folder", "image", "model", "output"})


@router.post("/infer/{model}", summary="Ask a question about an image")
async def infer(
    person: User,
    request: Request,
    model: Annotated[str, PathParameter(pattern=TASK_NAME)],
    image: Annotated[str, Query(max_length=200)] = "",
    session_id: Annotated[str, Query(pattern=f"^$|{SESSION_ID}")] = "",
    params: Annotated[str, Form()] = "{}",
    file: Annotated[UploadFile | None, File()] = None,
    output: ResultType = ResultType.all,
) -> Response:
    """MONAI Label's infer route. ``params`` is the question (docs/asking.md); a client that leaves cancels it."""
    asked = {key: value for key, value in parse_object(params).items() if key not in _NOT_IN_PARAMS}
    if asked.get("save_label") and not person.may("annotator"):
        raise PRSMedError("forbidden", "keeping the mask takes the role annotator; leave save_label out")
    app = app_instance()
    with app.ticket(person.name, _ticket_id(asked.pop("ticket", None))) as ticket:

        def answer() -> Response:
            upload = take_upload(file, app.scratch) if file else None
            try:
                source = upload or _session_image(app, session_id) or image
                if not source:
                    raise PRSMedError("image_missing", "no image was named; give image=ID, a session_id or a file")
                result = app.answer({**asked, "model": model, "image": source, "output": output.value}, ticket)
                return _respond(app, result, output, image)
            finally:
                if upload:
                    upload.unlink()

        return await _while_connected(request, ticket, answer)


@router.post("/ask/{image}", summary="Ask a question and get the answer as it comes", response_class=StreamingResponse)
async def ask(
    person: User,
    request: Request,
    image: Annotated[str, PathParameter(max_length=200)],
    params: Annotated[dict[str, Any], Body()],
) -> Response:
    """Server-sent events: ``queued``, ``progress``; then ``mask``, ``token`` ..., ``answer``; or ``error``.

    A client that leaves cancels the question.
    """
    return await _stream(person, request, lambda: image, params)


@router.post("/ask/", summary="The same about an image of a session", response_class=StreamingResponse)
async def ask_session(
    person: User,
    request: Request,
    session_id: Annotated[str, Query(pattern=SESSION_ID)],
    params: Annotated[dict[str, Any], Body()],
) -> Response:
    """As ``/ask/{image}``, about an image that was uploaded for a while with ``PUT /session/``."""
    return await _stream(person, request, lambda: _session_image(app_instance(), session_id), params)


async def _stream(person: Person, request: Request, image: Callable[[], object], params: dict[str, Any]) -> Response:
    check_object(params)
    app = app_instance()
    ticket = app.line.join(person.name, _ticket_id(params.pop("ticket", None)))
    try:
        task, by = app.task(), await anyio.to_thread.run_sync(lambda: app.asked(image(), ticket))
        question = await _while_connected(request, ticket, lambda: task.prepare(params, by))
    except BaseException:
        app.line.leave(ticket)
        raise
    return StreamingResponse(
        stream_events(app, task, question, by, _threads()),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@router.get("/queue", summary="How many questions wait")
def queue(person: User) -> dict[str, int]:
    """The line before the model."""
    line = app_instance().line
    return {"running": line.num_running, "waiting": line.num_waiting, "max_waiting": line.max_waiting}


@router.get("/queue/{ticket}", summary="How many questions come before yours")
def position(person: User, ticket: TicketId) -> dict[str, int]:
    """Place in the line of a question with ``params.ticket``; 0 while it is being answered."""
    return {"position": app_instance().line.position(person.name, ticket)}


@router.delete("/queue/{ticket}", summary="Cancel a question of yours")
def cancel(person: User, ticket: TicketId) -> dict[str, bool]:
    """The request that waits for it is answered with 409."""
    app_instance().line.cancel(person.name, ticket)
    return {"cancelled": True}


async def _while_connected(request: Request, ticket: Ticket, work: Callable[[], Result]) -> Result:
    """Work in a thread; when the client leaves meanwhile its ticket is cancelled."""

    async def watch() -> None:
        while not await request.is_disconnected():
            await asyncio.sleep(_WATCH_SECONDS)
        app_instance().line.give_up(ticket)

    watching = asyncio.create_task(watch())
    try:
        return await anyio.to_thread.run_sync(work, limiter=_threads())
    finally:
        watching.cancel()


@cache
def _threads() -> anyio.CapacityLimiter:
    """Questions wait in threads of their own, so that they never take those of the other routes."""
    return anyio.CapacityLimiter(server_settings().max_waiting + 1)


def _ticket_id(value: Any) -> str | None:
    if value is not None and not (isinstance(value, str) and re.fullmatch(TICKET, value)):
        raise PRSMedError("bad_ticket", "ticket must be 1 to 64 letters, digits, _ or -; or leave it out")
    return value


def _session_image(app: Any, session_id: str) -> Path | None:
    if not session_id:
        return None
    session = app.sessions().get_session(session_id) if app.sessions() is not None else None
    if session is None:
        raise PRSMedError("unknown_image", "there is no such session; it may have expired: upload the image again")
    return Path(session.image)


def _respond(app: Any, result: dict[str, Any], output: ResultType, image: str) -> Response:
    """Multipart with the JSON and the mask, or one of the two; the file goes at once."""
    file = Path(result["file"]) if result["file"] else None
    try:
        if output is ResultType.dicom_seg:
            return _dicom_seg(app, image, file, result["params"])
        if file is None or output is ResultType.json:
            return JSONResponse(result["params"])
        content, media_type = file.read_bytes(), get_mime_type(str(file))
    finally:
        if file:
            file.unlink()
    if output is ResultType.image:
        return Response(
            content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{file.name}"'}
        )
    fields = {
        "params": (None, json.dumps(result["params"]), "application/json"),
        "image": (file.name, content, media_type),
    }
    encoder = MultipartEncoder(fields=fields)
    return Response(encoder.to_string(), media_type=encoder.content_type)


def _dicom_seg(app: Any, image: str, file: Path | None, params: dict[str, Any]) -> Response:
    datastore = app.datastore()
    if not hasattr(datastore, "as_dicom_seg"):
        raise PRSMedError("bad_output", "output=dicom_seg needs a DICOMweb server behind this one; choose all")
    if file is None:
        raise PRSMedError("bad_output", "nothing was found, and a DICOM SEG cannot be empty; choose output=all")
    return Response(datastore.as_dicom_seg(image, file, params), media_type="application/dicom")
