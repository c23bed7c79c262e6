"""The studies of an archive: what lies in a folder, or what a list names."""

from __future__ import annotations

import csv
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from prsmed.errors import PRSMedError
from prsmed.files import PART
from prsmed.imaging.dicom_header import has_magic
from prsmed.imaging.reader import has_known_ending

_NAME_LENGTH = 60


@dataclass(frozen=True)
class Study:
    """An image to be asked.

    Attributes:
        path: What :func:`prsmed.imaging.read_volume` reads.
        name: The path as the user knows it: relative to the folder or list.
        question: What is asked.
    """

    path: Path
    name: str
    question: str

    @property
    def key(self) -> str:
        """What its results are called: made of safe characters, another one for every study and question."""
        readable = re.sub(r"[^A-Za-z0-9]+", "-", self.name).strip("-")[-_NAME_LENGTH:]
        exact = "\0".join((self.name, self.question)).encode()
        return f"{readable}-{hashlib.sha256(exact).hexdigest()[:12]}"


def find_studies(source: Path, question: str, *, leave_out: Path) -> list[Study]:
    """The studies of a folder or of a list, in the order of their names.

    Args:
        source: A folder, looked through with all that lies in it: a folder with DICOM files is one study, any other
            image file is one. Or a CSV file with a column ``image``, whose paths are relative to it, and maybe a column
            ``question``.
        question: For those without one of their own.
        leave_out: A folder that is not looked into: the results may lie within the archive.

    Raises:
        PRSMedError: ``file_not_found``, ``bad_manifest``, or ``no_studies`` when there are none.
    """
    if not source.exists():
        raise PRSMedError("file_not_found", f"{source.name} does not exist; give a folder of studies or a CSV file")
    if source.is_dir():
        found = (Study(path, path.relative_to(source).as_posix(), question) for path in _walk(source, leave_out))
        studies = sorted(set(found), key=lambda study: study.name)
    else:
        studies = list(dict.fromkeys(_read_list(source, question)))
    if not studies:
        raise PRSMedError("no_studies", f"{source.name} holds no image; give DICOM, NIfTI, NRRD, PNG or JPEG")
    return studies


def _walk(folder: Path, leave_out: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        here = Path(place)
        folders[:] = [name for name in folders if not name.startswith(".") and not _is_same(here / name, leave_out)]
        for name in names:
            path = here / name
            if name.startswith((".", PART)) or not path.is_file():
                continue
            if path.suffix.lower() == ".dcm" or (not has_known_ending(path) and has_magic(path)):
                yield here
            elif has_known_ending(path):
                yield path


def _is_same(one: Path, other: Path) -> bool:
    return other.exists() and one.samefile(other)


def _read_list(file: Path, question: str) -> Iterator[Study]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            rows, columns = list(reader), reader.fieldnames or ()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PRSMedError(
            "bad_manifest", f"{file.name} cannot be read as CSV: {error}; save it as UTF-8 text"
        ) from error
    if "image" not in columns:
        raise PRSMedError("bad_manifest", f"{file.name} has no column 'image'; its first line must name the columns")
    for number, row in enumerate(rows, start=2):
        name = (row["image"] or "").strip()
        if not name:
            raise PRSMedError("bad_manifest", f"line {number} of {file.name} names no image; give its path, or no line")
        yield Study(file.parent / name, name, (row.get("question") or "").strip() or question)
