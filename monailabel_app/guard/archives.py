"""Archives, unpacked with care."""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

from monailabel_app.settings import MEGABYTE
from prsmed.errors import PRSMedError

_MAX_FILES = 20_000


def unpack(archive: Path, folder: Path, max_bytes: int) -> None:
    """Unpack a zip or tar file into ``folder``.

    Raises:
        PRSMedError: ``bad_archive`` for what is none, leads out of the folder or holds anything but files;
            ``too_large``.
    """
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as packed:
                entries = [(entry.filename, entry.file_size) for entry in packed.infolist() if not entry.is_dir()]
                _check(entries, max_bytes)
                for name, _ in entries:
                    with packed.open(name) as source:
                        _write(source, folder / name)
        else:
            with tarfile.open(archive) as tar:
                members = [member for member in tar.getmembers() if not member.isdir()]
                if not all(member.isreg() for member in members):
                    raise PRSMedError("bad_archive", "the archive holds links or devices; pack files only")
                _check([(member.name, member.size) for member in members], max_bytes)
                for member in members:
                    source = tar.extractfile(member)
                    assert source is not None
                    _write(source, folder / member.name)
    except PRSMedError:
        raise
    except Exception as error:  # zlib, lzma, tarfile and zipfile raise many kinds for damaged archives
        raise PRSMedError("bad_archive", "the upload is no complete zip or tar file; pack it again") from error


def _check(entries: list[tuple[str, int]], max_bytes: int) -> None:
    for name, _ in entries:
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or not path.parts or ":" in path.parts[0]:
            raise PRSMedError("bad_archive", "a name in the archive leads out of its folder; pack it again")
    if len(entries) > _MAX_FILES or sum(size for _, size in entries) > max_bytes:
        raise PRSMedError(
            "too_large", f"at most {_MAX_FILES} files of {max_bytes // MEGABYTE} MB together are unpacked"
        )


def _write(source: object, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        shutil.copyfileobj(source, file)  # type: ignore[misc, arg-type]
