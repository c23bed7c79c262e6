"""Routes that take files: images, labels, sessions."""

from __future__ import annotations

import filecmp
import shutil
import tempfile
import uuid
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, UploadFile
from monailabel.interfaces.datastore import DefaultLabelTag
from monailabel.interfaces.utils.app import app_instance

from monailabel_app.guard.archives import unpack
from monailabel_app.guard.files import check_dicom, check_size, ending, take_upload
from monailabel_app.guard.labels import check_label, names_of
from monailabel_app.guard.names import IMAGE_ID, check_image_id, check_tag
from monailabel_app.guard.objects import parse_object
from monailabel_app.settings import MEGABYTE, server_settings
from monailabel_app.studies import locate
from monailabel_app.web.people import Annotator, User
from prsmed.errors import PRSMedError
from prsmed.imaging import read_volume
from prsmed.imaging.dicom_header import has_magic

router = APIRouter()
REPLACED = frozenset(
    {("PUT", "/datastore/"), ("PUT", "/datastore/image"), ("PUT", "/datastore/label"), ("PUT", "/session/")}
)
"""The stock routes that these stand for."""
_MAX_SESSION_FILES = 2000


@router.put("/datastore/", include_in_schema=False)
@router.put("/datastore/image", tags=["Datastore"], summary="Upload an image")
def add_image(
    person: Annotator,
    file: Annotated[UploadFile, File()],
    image: Annotated[str | None, Query(max_length=200)] = None,
    params: Annotated[str, Form()] = "{}",
) -> dict[str, Any]:
    """Take an image into the datastore once it was read; its id is ``image`` or the name of the file."""
    app = app_instance()
    info = {**parse_object(params), "user": person.name}
    name = Path((file.filename or "").replace("\\", "/")).name
    image_id = check_image_id(image or name[: -len(ending(name))])
    upload = take_upload(file, app.scratch)
    try:
        read_volume(upload)
        datastore = app.datastore()
        if not _is_there(datastore, image_id, upload):
            datastore.add_image(image_id, str(upload), info)
    finally:
        upload.unlink()
    return {"image": image_id}


@router.put("/datastore/label", tags=["Datastore"], summary="Save a label")
def save_label(
    person: Annotator,
    image: Annotated[str, Query(pattern=IMAGE_ID)],
    label: Annotated[UploadFile, File()],
    tag: Annotated[str, Query(max_length=200)] = "",
    params: Annotated[str, Form()] = "{}",
) -> dict[str, Any]:
    """Keep a label once it fits its image: readable, on the same grid, whole numbers, names known."""
    app = app_instance()
    datastore, tag = app.datastore(), check_tag(tag or DefaultLabelTag.FINAL.value)
    info = {**parse_object(params), "user": person.name}
    source = locate(datastore, image)
    upload = take_upload(label, app.scratch)
    try:
        predicted = datastore.get_label_info(image, DefaultLabelTag.ORIGINAL.value) or {}
        check_label(upload, app.task().volumes.read(source), names_of(info, predicted))
        label_id = datastore.save_label(image, str(upload), tag, info)
    finally:
        upload.unlink()
    return {**(app.on_save_label(image, label_id) or {}), "image": image, "label": label_id}


@router.put("/session/", tags=["Session"], summary="Upload an image for a while")
def create_session(
    person: User,
    files: Annotated[list[UploadFile], File()],
    uncompress: bool = False,
    expiry: Annotated[int, Query(ge=0, le=7 * 24 * 3600)] = 0,
) -> dict[str, Any]:
    """Keep one image file, or the files of one DICOM series, without taking them into the datastore."""
    app = app_instance()
    if app.sessions() is None:
        raise PRSMedError("no_sessions", "sessions are switched off on this server")
    if len(files) > _MAX_SESSION_FILES:
        raise PRSMedError("too_large", f"{len(files)} files were sent; at most {_MAX_SESSION_FILES} are taken")
    folder = Path(tempfile.mkdtemp(dir=app.scratch.path))
    try:
        kept = _unpacked(files, folder) if uncompress else _received(files, folder, app)
        read_volume(kept)
        session_id, session = app.sessions().add_session(str(kept), expiry, False, str(uuid.uuid4()))
    finally:
        shutil.rmtree(folder)
    info = {key: value for key, value in session.to_json().items() if key not in ("path", "image")}
    return {"session_id": session_id, "session_info": info}


def _is_there(datastore: Any, image_id: str, upload: Path) -> bool:
    """Whether the very image is there; one that somebody has labelled is never replaced by another.

    Raises:
        PRSMedError: ``image_exists``.
    """
    try:
        there = locate(datastore, image_id)
    except PRSMedError:
        return False
    if there.is_file() and filecmp.cmp(there, upload, shallow=False):
        return True
    if there.is_dir() or datastore.get_labels_by_image_id(image_id):
        raise PRSMedError(
            "image_exists", f"there is another image {image_id!r}, a series or one with labels; choose another id"
        )
    return False


def _received(files: list[UploadFile], folder: Path, app: Any) -> Path:
    if len(files) == 1 and not (files[0].filename or "").lower().endswith(".dcm"):
        upload = take_upload(files[0], app.scratch)
        return upload.rename(folder / upload.name)
    series = folder / "series"
    series.mkdir()
    for number, file in enumerate(files):
        slice_file = series / f"{number:05}.dcm"
        with slice_file.open("wb") as target:
            shutil.copyfileobj(file.file, target)
        if has_magic(slice_file):
            check_dicom(slice_file)
    return series


def _unpacked(files: list[UploadFile], folder: Path) -> Path:
    if "archives" not in server_settings().open:
        raise PRSMedError(
            "forbidden", "this server unpacks nothing; send the files themselves (or see PRSMED_OPEN=archives)"
        )
    archive, series = folder / "archive", folder / "series"
    with archive.open("wb") as target:
        shutil.copyfileobj(files[0].file, target)
    series.mkdir()
    unpack(archive, series, server_settings().max_image_mb * MEGABYTE)
    found = [path for path in series.rglob("*") if path.is_file()]
    if len(found) == 1 and not has_magic(found[0]):
        ending(found[0].name)
        check_size(found[0], server_settings().max_image_mb * MEGABYTE)
        return found[0]
    for path in found:
        if has_magic(path):
            check_dicom(path)
        else:
            path.unlink()
    folders = {path.parent for path in found if path.exists()}
    return folders.pop() if len(folders) == 1 else series
