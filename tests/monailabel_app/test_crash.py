"""The server is killed in the middle of everything: what it had acknowledged is there, and nothing is half."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import socket
import threading
import time
from itertools import count
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import requests
from running import ask, serve

from monailabel_app.files import sweep_parts
from monailabel_app.process import ServerProcess
from prsmed.imaging import read_volume

SHAPE, IMAGES = (30, 28, 10), 4


def test_what_was_begun_long_ago_is_swept_away(tmp_path: Path) -> None:
    for name, age in ((".part-old", 7200), (".part-new", 0), ("label.nii.gz", 7200)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    sweep_parts(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".part-new", "label.nii.gz"]


def save_for_ever(url: str, image: str, acknowledged: dict[str, int], sent: dict[str, int]) -> None:
    """Labels that tell by their voxels which one they are, until the server is gone."""
    for number in count(1):
        mask = np.zeros(SHAPE, np.uint8)
        mask.flat[:number] = 1
        content = gzip.compress(nib.Nifti1Image(mask, np.eye(4)).to_bytes(), 1)
        fields = {"label": ("label.nii.gz", content), "params": (None, json.dumps({"number": number}))}
        sent[image] = number
        try:
            response = requests.put(f"{url}/datastore/label?image={image}&tag=final", files=fields, timeout=60)
        except requests.RequestException:
            return
        assert response.ok, response.text
        acknowledged[image] = number


def send_half(url: str) -> None:
    """An upload that never ends."""
    host, port = url.removeprefix("http://").split(":")
    with contextlib.suppress(OSError), socket.create_connection((host, int(port))) as connection:
        head = "PUT /datastore/label?image=image0&tag=final HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9000\r\n"
        part = (
            'Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\nContent-Disposition: form-data; name="label"; '
        )
        connection.sendall((head + part + 'filename="x.nii.gz"\r\n\r\nhalf').encode())
        connection.recv(1)


def infer_and_save(url: str) -> None:
    with contextlib.suppress(requests.RequestException):
        while ask(url, "image3", mode="volume", save_label=True, label_tag="original").ok:
            pass


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_kill_during_uploads_questions_and_saves(model: Path, tmp_path: Path) -> None:
    studies = tmp_path / "studies"
    studies.mkdir()
    for n in range(IMAGES):
        voxels = np.random.default_rng(n).normal(40, 9, SHAPE).astype(np.int16)
        nib.save(nib.Nifti1Image(voxels, np.eye(4)), studies / f"image{n}.nii.gz")
    acknowledged: dict[str, int] = {}
    sent: dict[str, int] = {}
    for moment in (1.0, 1.7):
        for server in serve(studies, model, tmp_path / "log"):
            check(server, studies, acknowledged, sent)
            work = [
                threading.Thread(target=save_for_ever, args=(server.url, f"image{n}", acknowledged, sent))
                for n in range(3)
            ]
            work += [threading.Thread(target=target, args=(server.url,)) for target in (send_half, infer_and_save)]
            for thread in work:
                thread.start()
            time.sleep(moment)
            os.kill(server.pid, 9)
            for thread in work:
                thread.join(30)
        assert len(acknowledged) == 3
    for server in serve(studies, model, tmp_path / "log"):
        check(server, studies, acknowledged, sent)
        assert ask(server.url, "image0").ok


def check(server: ServerProcess, studies: Path, acknowledged: dict[str, int], sent: dict[str, int]) -> None:
    objects = requests.get(f"{server.url}/datastore/?output=all", timeout=60).json()["objects"]
    assert set(objects) == {f"image{n}" for n in range(IMAGES)}
    for image, number in acknowledged.items():
        content = requests.get(f"{server.url}/datastore/label?label={image}&tag=final", timeout=60).content
        (studies.parent / "label.nii.gz").write_bytes(content)
        there = int(read_volume(studies.parent / "label.nii.gz").voxels.sum())
        assert number <= there <= sent[image], "an acknowledged label is gone"
        assert number <= objects[image]["labels"]["final"]["info"]["number"] <= there
    for label in studies.glob("labels/*/*"):
        assert label.name.startswith(".part-") or read_volume(label).shape == SHAPE
