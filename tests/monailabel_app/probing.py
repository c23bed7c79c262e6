"""What probes send, and how a server is to refuse it."""

from __future__ import annotations

import gzip
import io
import socket
import tarfile
from pathlib import Path

import nibabel as nib
import numpy as np
import requests


def listing(root: Path) -> dict[str, bytes]:
    skipped = {"log", ".lock", "datastore_v2.json", "scores.json"}
    found = [path for path in root.rglob("*") if not path.name.startswith(".part-")]  # half-written, soon gone
    files = [path for path in found if path.is_file() and path.name not in skipped]
    return {str(path.relative_to(root)): path.read_bytes() for path in files if "sessions" not in path.parts}


def nifti(shape: tuple[int, int, int] = (40, 36, 12), affine: np.ndarray | None = None, value: int = 0) -> bytes:
    image = nib.Nifti1Image(np.full(shape, value, np.uint8), np.eye(4) if affine is None else affine)
    return gzip.compress(image.to_bytes())


def put_image(url: str, content: bytes, name: str = "x.nii.gz", **query: str) -> requests.Response:
    return requests.put(f"{url}/datastore/image", params=query, files={"file": (name, content)}, timeout=60)


def put_label(url: str, content: bytes, name: str = "x.nii.gz", **query: str) -> requests.Response:
    query = {"image": "nifti", **query}
    return requests.put(f"{url}/datastore/label", params=query, files={"label": (name, content)}, timeout=60)


def refused(response: requests.Response, *codes: str) -> None:
    assert 400 <= response.status_code < 500
    error = response.json()["error"]
    assert error["code"] in codes
    assert "prsmed-server" not in error["message"]


def tar_of(*members: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    return buffer.getvalue()


def member(name: str, size: int = 4, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = (size if kind == tarfile.REGTYPE else 0), kind, link
    return info


def raw(url: str, request: str) -> str:
    """Send bytes as they are: HTTP libraries tidy paths up."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(request.replace("\n", "\r\n").encode())
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer.decode(errors="replace")
