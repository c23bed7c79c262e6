"""What is uploaded: of a kind we read, complete, self-contained, and not too large when unpacked."""

from __future__ import annotations

import gzip
import math
import re
import shutil
from pathlib import Path

from fastapi import UploadFile
from PIL import Image
from pydicom.filereader import read_file_meta_info
from pydicom.uid import DeflatedExplicitVRLittleEndian

from monailabel_app.datastore import IMAGE_PATTERNS
from monailabel_app.scratch import Scratch
from monailabel_app.settings import MEGABYTE, server_settings
from prsmed.errors import PRSMedError
from prsmed.imaging.nrrd import itk_reader

_ENDINGS = tuple(pattern.removeprefix("*") for pattern in IMAGE_PATTERNS)
_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
_CHUNK = MEGABYTE
_HEADER_BYTES = 64 * 1024
_ODD = re.compile(rb"[\0\r]")
_FIELD = re.compile(rb"(?P<key>\w+)[ \t]*=(?P<value>.*)")


def take_upload(file: UploadFile, scratch: Scratch) -> Path:
    """The upload as a file of the server's own, checked but for its voxels; for the caller to delete.

    Raises:
        PRSMedError: ``unknown_format``, ``not_self_contained``, ``too_large``, ``unreadable_image``.
    """
    path = scratch.file(ending(file.filename or ""))
    try:
        with path.open("wb") as target:
            shutil.copyfileobj(file.file, target, _CHUNK)
        check_size(path, server_settings().max_image_mb * MEGABYTE)
    except BaseException:
        path.unlink()
        raise
    return path


def ending(filename: str) -> str:
    """The ending of an image file.

    Raises:
        PRSMedError: ``unknown_format``.
    """
    for known in _ENDINGS:
        if filename.lower().endswith(known):
            return known
    shown = "".join(Path(filename).suffixes)[-20:] or "no ending"
    raise PRSMedError("unknown_format", f"a file with {shown} is not taken; send one of {', '.join(_ENDINGS)}")


def check_size(path: Path, max_bytes: int) -> None:
    """Look at what a file says of itself, without unpacking more than is allowed.

    Raises:
        PRSMedError: ``too_large``; ``not_self_contained``; ``unreadable_image``.
    """
    if path.name.endswith(".gz"):
        size = _unpacked_bytes(path, max_bytes)
    elif path.suffix in (".nrrd", ".mha"):
        _check_self_contained(path)
        size = _itk_bytes(path)
    elif path.suffix in _PICTURES:
        size = _picture_bytes(path)
    else:
        size = path.stat().st_size
    if size > max_bytes:
        raise PRSMedError(
            "too_large", f"unpacked the image has more than {max_bytes // MEGABYTE} MB; that is the most here"
        )


def check_dicom(path: Path) -> None:
    """Refuse DICOM files that are one compressed stream: they grow without bound when they are read.

    Raises:
        PRSMedError: ``unreadable_image``.
    """
    try:
        syntax = read_file_meta_info(path).get("TransferSyntaxUID")
    except Exception as error:  # pydicom raises many kinds for damaged files
        raise PRSMedError("unreadable_image", "the upload is not a complete DICOM file; send it again") from error
    if syntax == DeflatedExplicitVRLittleEndian:
        raise PRSMedError("unreadable_image", "deflated DICOM is not taken; send it in another transfer syntax")


def _unpacked_bytes(path: Path, max_bytes: int) -> int:
    size = 0
    try:
        with gzip.open(path) as file:
            while size <= max_bytes and (chunk := file.read(_CHUNK)):
                size += len(chunk)
    except (OSError, EOFError, ValueError) as error:
        raise PRSMedError("unreadable_image", "the upload is not a complete gzip file; send it again") from error
    return size


def _check_self_contained(path: Path) -> None:
    """An NRRD or MetaImage header may name another file, which would be one of the server's."""
    with path.open("rb") as file:
        lines = file.read(_HEADER_BYTES).replace(b"\r\n", b"\n").split(b"\n")
    if not (_is_whole_mha(lines) if path.suffix == ".mha" else _is_whole_nrrd(lines)):
        raise PRSMedError(
            "not_self_contained",
            "the voxels are in another file, or compressed MetaImage; save the image as one .nrrd or .nii.gz file",
        )


def _is_whole_nrrd(lines: list[bytes]) -> bool:
    """Whether the header ends, and before its end names no file."""
    if b"" not in lines:
        return False
    header = lines[: lines.index(b"")]
    # To teem a lone CR ends a line too.
    return not any(_ODD.search(line) or re.sub(rb"\s", b"", line).lower().startswith(b"datafile") for line in header)


def _is_whole_mha(lines: list[bytes]) -> bool:
    """Whether the header is of plain fields and ends by saying, in the one way there is, that the voxels follow."""
    for line in lines:
        field = _FIELD.fullmatch(line)
        if field is None or _ODD.search(line):
            return False
        key, value = field["key"], field["value"].strip()
        if key.lower() == b"elementdatafile":
            return key == b"ElementDataFile" and value == b"LOCAL"
        if key.lower() == b"headersize" or (key.lower() == b"compresseddata" and value.lower() == b"true"):
            # ITK fills what an incomplete compressed stream lacks with whatever was in memory.
            return False
    return False


def _itk_bytes(path: Path) -> int:
    try:
        reader = itk_reader(path)
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise PRSMedError("unreadable_image", "the upload is not a complete image; send it again") from error
    # Eight bytes are the most a number of any pixel type has.
    return math.prod(reader.GetSize()) * reader.GetNumberOfComponents() * 8


def _picture_bytes(path: Path) -> int:
    try:
        with Image.open(path) as image:
            return image.width * image.height * 4
    except Exception as error:  # PIL raises many kinds for damaged files
        raise PRSMedError("unreadable_image", "the upload is not a complete picture; send it again") from error
