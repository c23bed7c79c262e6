"""A real Orthanc with its DICOMweb plug-in, for a test: reachable from this process's machine only, gone with it.

Debian's Orthanc listens on every address and cannot be told otherwise. It therefore runs in a network namespace of
its own, which has a loopback and nothing else; a listening socket of ours, made before, hands connections in.
"""

from __future__ import annotations

import contextlib
import ctypes.util
import fcntl
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

_PLUGINS = (Path("/usr/share/orthanc/plugins"), Path("/usr/lib/orthanc"), Path("/usr/local/share/orthanc/plugins"))
_PLUGIN = "libOrthancDicomWeb.so"
_INSIDE = "127.0.0.1", 8042
_START_SECONDS = 60
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 0x1


def missing() -> str:
    """Why there can be no Orthanc here; "" when there can."""
    if shutil.which("Orthanc") is None or _plugin() is None:
        return "Orthanc and its DICOMweb plug-in are not installed (apt-get install orthanc orthanc-dicomweb)"
    if subprocess.run([*_unshare(), "true"], capture_output=True).returncode != 0:
        return "no network namespace can be made here, and Orthanc alone would listen on every address"
    return ""


@contextlib.contextmanager
def orthanc(folder: Path) -> Iterator[str]:
    """The address of the DICOMweb server of an empty Orthanc that keeps its files in ``folder``."""
    if reason := missing():
        pytest.skip(reason)
    configuration = {
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "index"),
        "Plugins": [str(_plugin())],
        "HttpPort": _INSIDE[1],
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomServerEnabled": False,
        "StorageCompression": False,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "orthanc.json").write_text(json.dumps(configuration))
    with socket.create_server(("127.0.0.1", 0)) as door, (folder / "orthanc.log").open("wb") as log:
        url = f"http://127.0.0.1:{door.getsockname()[1]}/dicom-web"
        command = [*_unshare(), sys.executable, __file__, str(door.fileno()), str(folder / "orthanc.json")]
        # When this process ends, however it ends, the pipe closes and Orthanc with it.
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, pass_fds=[door.fileno()])
        try:
            _wait_until_ready(url, process, folder / "orthanc.log")
            yield url
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(30)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"{url}/series", timeout=5).ok:
                return
        time.sleep(0.2)
    raise RuntimeError(f"Orthanc did not start: {log.read_text(errors='replace')[-2000:]}")


def _plugin() -> Path | None:
    return next((folder / _PLUGIN for folder in _PLUGINS if (folder / _PLUGIN).exists()), None)


def _unshare() -> list[str]:
    return ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]


def _inside(door: socket.socket, configuration: str) -> None:
    """What runs in the namespace: Orthanc, and a hand that passes connections to it until the pipe closes."""
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
    server = subprocess.Popen(["Orthanc", configuration], stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent)
    threading.Thread(target=_accept, args=(door,), daemon=True).start()
    sys.stdin.buffer.read()
    # It would take seconds to end in order, and nobody wants what it has stored.
    server.kill()
    server.wait()


def _die_with_parent() -> None:
    ctypes.CDLL(ctypes.util.find_library("c")).prctl(1, signal.SIGKILL)


def _accept(door: socket.socket) -> None:
    while True:
        client, _ = door.accept()
        try:
            server = socket.create_connection(_INSIDE)
        except OSError:
            client.close()
            continue
        for source, target in ((client, server), (server, client)):
            threading.Thread(target=_pass_on, args=(source, target), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(1 << 16):
            target.sendall(chunk)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    _inside(socket.socket(fileno=int(sys.argv[1])), sys.argv[2])
