"""Whatever is sent, no answer is a 5xx: every route of the OpenAPI document, and files with twisted headers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from running import ask
from tiny_model import FOUND

pytestmark = pytest.mark.slow

_FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
_REAL_NAMES = """
[parameters]
image = "nifti"
label = "nifti"
id = "nothing"
model = "prsmed"
strategy = "first"
tag = "final"
"""


@pytest.mark.parametrize("names", ["", _REAL_NAMES], ids=["any names", "names that exist"])
def test_every_route_of_the_document(url: str, tmp_path: Path, names: str) -> None:
    """What would start a process for each example (batches, training) is left out; test_probes.py asks those."""
    config = tmp_path / "schemathesis.toml"
    config.write_text(names)
    command = [Path(sys.executable).parent / "schemathesis", "--config-file", config, "run", f"{url}/openapi.json"]
    command += ["--checks", "not_a_server_error", "--exclude-path-regex", "^/(batch|train)/", "--seed", "1"]
    command += ["--max-examples", "20", "--request-timeout", "30", "--generation-database", "none"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert run.returncode == 0, run.stdout[-4000:]
    assert " 0 generated" not in run.stdout


def put(url: str, path: Path) -> None:
    """As an image, as a label, with a question: refused or taken, never a fault."""
    content = path.read_bytes()
    for address, part in (("datastore/image?image=twisted", "file"), ("datastore/label?image=nifti", "label")):
        response = requests.put(f"{url}/{address}", files={part: (path.name, content)}, timeout=60)
        assert response.status_code < 500, response.text
    files = {"file": (path.name, content), "params": (None, f'{{"prompt": "{FOUND}"}}')}
    response = requests.post(f"{url}/infer/prsmed?output=json", files=files, timeout=60)
    assert response.status_code < 500, response.text


@pytest.fixture
def twisted(url: str, studies: Path, tmp_path: Path):
    yield tmp_path
    requests.delete(f"{url}/datastore/image?id=twisted", timeout=60)
    for left in studies.glob("labels/final/nifti*"):
        left.unlink()


@_FUZZ
@given(
    place=st.integers(0, 351),
    change=st.binary(min_size=1, max_size=8),
    cut=st.one_of(st.none(), st.integers(0, 600)),
)
def test_nifti_headers(url: str, twisted: Path, place: int, change: bytes, cut: int | None) -> None:
    content = bytearray(nib.Nifti1Image(np.zeros((5, 4, 3), np.int16), np.eye(4)).to_bytes())
    content[place : place + len(change)] = change
    file = twisted / "x.nii"
    file.write_bytes(bytes(content[:cut]))
    put(url, file)


@_FUZZ
@given(line=st.sampled_from(range(8)), value=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30))
def test_nrrd_headers(url: str, twisted: Path, line: int, value: str) -> None:
    lines = [
        "NRRD0004",
        "type: uint8",
        "dimension: 3",
        "space: left-posterior-superior",
        "sizes: 5 4 3",
        "space directions: (1,0,0) (0,1,0) (0,0,1)",
        "encoding: raw",
        "space origin: (0,0,0)",
    ]
    key = lines[line].partition(":")[0]
    lines[line] = f"{key}: {value}" if line else value
    file = twisted / "x.nrrd"
    file.write_bytes("\n".join(lines).encode() + b"\n\n" + bytes(60))
    put(url, file)


_TAGS = {
    "Rows": st.integers(0, 65535),
    "Columns": st.integers(0, 65535),
    "BitsAllocated": st.sampled_from([0, 1, 7, 8, 16, 32]),
    "BitsStored": st.integers(0, 64),
    "SamplesPerPixel": st.integers(0, 5),
    "PixelRepresentation": st.integers(0, 3),
    "PhotometricInterpretation": st.sampled_from(["", "RGB", "PALETTE COLOR", "YBR_FULL", "NONSENSE"]),
    "PixelSpacing": st.lists(st.sampled_from(["0", "-1", "1e30", "nan", "1"]), max_size=3),
    "ImagePositionPatient": st.lists(st.sampled_from(["0", "1e300", "nan"]), max_size=4),
    "ImageOrientationPatient": st.lists(st.sampled_from(["0", "1", "inf", "-1"]), max_size=7),
    "RescaleSlope": st.sampled_from(["0", "nan", "1e300", ""]),
    "WindowWidth": st.sampled_from(["0", "-5", "nan", ""]),
    "NumberOfFrames": st.sampled_from(["0", "-1", "100000", ""]),
}


@_FUZZ
@given(tag=st.sampled_from(sorted(_TAGS)), data=st.data(), cut=st.one_of(st.none(), st.integers(0, 3000)))
def test_dicom_headers(url: str, studies: Path, twisted: Path, tag: str, data: st.DataObject, cut: int | None) -> None:
    value = data.draw(_TAGS[tag])
    folder = studies / "twisted-series"
    folder.mkdir(exist_ok=True)
    try:
        for number, source in enumerate(sorted((studies / "series").glob("*.dcm"))):
            slice_ = pydicom.dcmread(source)
            if number == 3:
                slice_.add_new(tag, pydicom.datadict.dictionary_VR(tag), value)
            slice_.save_as(folder / source.name)
        twisted_file = folder / "003.dcm"
        twisted_file.write_bytes(twisted_file.read_bytes()[:cut])
        response = ask(url, "twisted-series")
        assert response.status_code < 500, response.text
        files = [("files", (file.name, file.read_bytes())) for file in sorted(folder.iterdir())]
        response = requests.put(f"{url}/session/", files=files, timeout=60)
        assert response.status_code < 500, response.text
    finally:
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
