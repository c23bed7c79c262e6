"""OHIF's way to the DICOMweb server behind this one; shut unless ``PRSMED_OPEN`` names it."""

from __future__ import annotations

from typing import Annotated

import requests
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from monailabel.config import settings

from monailabel_app.web.people import Annotator, User
from prsmed.errors import PRSMedError

router = APIRouter()
_TIMEOUT_SECONDS = (5, 60)
_HEADERS = ("accept", "content-type")


async def _body(request: Request) -> bytes:
    return await request.body()


@router.get("/proxy/dicom/{path:path}", include_in_schema=False)
def fetch(person: User, request: Request, path: str) -> Response:
    """Look something up or fetch it."""
    return _pass_on(request, path, b"")


@router.post("/proxy/dicom/{path:path}", include_in_schema=False)
def store(
    person: Annotator,
    request: Request,
    path: str,
    body: Annotated[bytes, Depends(_body)],
) -> Response:
    """Store something."""
    return _pass_on(request, path, body)


def _pass_on(request: Request, path: str, body: bytes) -> Response:
    studies = settings.MONAI_LABEL_STUDIES.rstrip("/")
    if not studies.startswith(("http://", "https://")):
        raise PRSMedError("not_found", "there is no DICOMweb server behind this one")
    user, password = settings.MONAI_LABEL_DICOMWEB_USERNAME, settings.MONAI_LABEL_DICOMWEB_PASSWORD
    try:
        response = requests.request(
            request.method,
            f"{studies}/{_inside(path)}",
            params=request.query_params.multi_items(),
            data=body,
            headers={name: request.headers[name] for name in _HEADERS if name in request.headers},
            auth=(user, password) if user and password else None,
            timeout=_TIMEOUT_SECONDS,
            allow_redirects=False,
        )
    except requests.RequestException as error:
        raise PRSMedError("pacs_unreachable", "the DICOMweb server does not answer; try again in a moment") from error
    return Response(response.content, response.status_code, media_type=response.headers.get("content-type"))


def _inside(path: str) -> str:
    """The path below the DICOMweb root; ``wado/``, ``qido/`` and ``stow/`` in front choose its prefixes."""
    kind, _, rest = path.partition("/")
    prefixes = {
        "wado": settings.MONAI_LABEL_WADO_PREFIX,
        "qido": settings.MONAI_LABEL_QIDO_PREFIX,
        "stow": settings.MONAI_LABEL_STOW_PREFIX,
    }
    parts = rest.split("/") if kind in prefixes else path.split("/")
    if any(part in ("", ".", "..") or set(part) & set("\\%?#") for part in parts):
        raise PRSMedError("not_found", "that is not a path of the DICOMweb server")
    return "/".join([prefixes[kind], *parts] if prefixes.get(kind) else parts)
