"""What an attacker or a careless client may try: each probe is refused, and nothing comes of it."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import requests
from probing import listing, member, nifti, put_image, put_label, raw, refused, tar_of
from running import ask, serve
from tiny_model import FOUND

from monailabel_app.process import ServerProcess

pytestmark = pytest.mark.slow

UPLOAD_MB, IMAGE_MB = 4, 16


@pytest.fixture(scope="module")
def server(studies_folder: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with small limits and every door open; beside its folder lies something that is not to be touched."""
    place = tmp_path_factory.mktemp("probed")
    studies = Path(shutil.copytree(studies_folder, place / "studies"))
    (place / "victim").mkdir()
    (place / "victim" / "secret.nii.gz").write_bytes((studies / "nifti.nii.gz").read_bytes())
    limits = {"PRSMED_MAX_UPLOAD_MB": str(UPLOAD_MB), "PRSMED_MAX_IMAGE_MB": str(IMAGE_MB)}
    doors = {"PRSMED_OPEN": "archives,proxy,reload", "MONAI_LABEL_SESSION_PATH": str(place / "sessions")}
    yield from serve(studies, model, place / "log", **limits, **doors)


@pytest.fixture
def probed(server: ServerProcess) -> Iterator[str]:
    """Its address; afterwards everything around its folder and in it is as it was."""
    root = Path(server.studies).parent
    before = listing(root)
    yield server.url
    assert listing(root) == before
    assert requests.get(f"{server.url}/info/", timeout=60).ok


OUTSIDE = ["../../victim/deep", "..", "a/b", "a\\b", ".hidden", "x" * 300, "a\nb", "/tmp/x", "%2e%2e%2fvictim"]


@pytest.mark.parametrize("tag", OUTSIDE)
def test_path_write_by_tag(probed: str, tag: str) -> None:
    refused(put_label(probed, nifti(), tag=tag), "bad_tag", "invalid_request")


@pytest.mark.parametrize("image", [*OUTSIDE, "../app/lib/marker"])
def test_path_write_by_image_id(probed: str, image: str) -> None:
    refused(put_image(probed, nifti(), image=image), "bad_id", "invalid_request")


@pytest.mark.parametrize("name", ["../../victim/x.nii.gz", "..\\x.nii.gz", "/etc/x.nii.gz"])
def test_path_write_by_file_name(server: ServerProcess, name: str) -> None:
    root = Path(server.studies).parent
    before = listing(root)
    assert put_image(server.url, nifti(), name=name).json() == {"image": "x"}
    assert set(listing(root)) - set(before) == {"studies/x.nii.gz"}
    assert requests.delete(f"{server.url}/datastore/image?id=x", timeout=60).ok


@pytest.mark.parametrize("name", ["evil.py", "evil.nii.gz.sh", "evil.pt", "evil", "evil.nhdr", "evil.mhd"])
def test_upload_of_another_kind(probed: str, name: str) -> None:
    refused(put_image(probed, nifti(), name=name, image="evil"), "unknown_format")
    refused(put_label(probed, nifti(), name=name), "unknown_format")


@pytest.mark.parametrize("image", ["../victim/secret", "/etc/hostname", "/proc/self/environ", "victim/secret.nii.gz"])
def test_path_read_by_image(probed: str, server: ServerProcess, image: str) -> None:
    secret = str(Path(server.studies).parent / "victim" / "secret.nii.gz")
    for name in (image, secret):
        refused(ask(probed, name), "unknown_image", "invalid_request")
        refused(requests.get(f"{probed}/datastore/image", params={"image": name}, timeout=60), "invalid_request")
        refused(requests.get(f"{probed}/datastore/image/info", params={"image": name}, timeout=60), "invalid_request")
        streamed = requests.post(
            f"{probed}/ask/{requests.utils.quote(name, safe='')}", json={"prompt": FOUND}, timeout=60
        )
        refused(streamed, "unknown_image", "not_found")


def test_path_read_by_params(probed: str) -> None:
    fields = {"params": (None, json.dumps({"prompt": FOUND, "image": "/etc/hostname"}))}
    refused(requests.post(f"{probed}/infer/prsmed", files=fields, timeout=60), "image_missing")


@pytest.mark.parametrize("session", ["../../victim", "x", "00000000-0000-0000-0000-00000000000/"])
def test_path_read_and_removal_by_session(probed: str, session: str) -> None:
    quoted = requests.utils.quote(session, safe="")
    for method in ("GET", "DELETE"):
        response = requests.request(method, f"{probed}/session/{quoted}", timeout=60)
        refused(response, "invalid_request", "not_found", "method_not_allowed")
    refused(requests.post(f"{probed}/infer/prsmed?session_id={quoted}", timeout=60), "invalid_request")


@pytest.mark.parametrize("tag", ["../../../victim/PWN", "/tmp/PWN", "a/b", {"a": 1}, 5])
def test_path_write_by_label_tag(probed: str, tag: object) -> None:
    refused(ask(probed, "photo", save_label=True, label_tag=tag), "bad_tag")


def test_what_would_not_come_back_from_the_disk(probed: str) -> None:
    deep = json.dumps({"a": 1}).replace("1", '{"a":' * 240 + "1" + "}" * 240)
    for odd in ('{"x": NaN}', '{"x": 1e999}', '{"x": "\\ud800"}', deep, json.dumps({"x": "y" * 300_000})):
        for path, field in (("datastore/image/info?image=nifti", "info"),):
            files = {field: (None, odd)}
            refused(requests.put(f"{probed}/{path}", files=files, timeout=60), "bad_params")
        headers = {"content-type": "application/json"}
        response = requests.post(f"{probed}/activelearning/first", data=odd, headers=headers, timeout=60)
        refused(response, "bad_params", "invalid_request")
    assert requests.get(f"{probed}/datastore/?output=all", timeout=60).ok
    refused(ask(probed, "nifti", prompt="where \ud800?"), "bad_params")


def test_a_picture_that_looks_like_dicom_breaks_nothing(server: ServerProcess) -> None:
    odd = Path(server.studies) / "notes" / "000.dcm"
    source = (Path(server.studies) / "series" / "000.dcm").read_bytes()
    odd.write_bytes(source[:300] + b"\xff" * 60 + source[360:])
    assert requests.get(f"{server.url}/datastore/image?image=nobody", timeout=60).status_code == 404
    odd.unlink()


def test_removal_of_a_series_takes_nothing_along(probed: str) -> None:
    refused(requests.delete(f"{probed}/datastore/image?id=series", timeout=60), "read_only")


@pytest.mark.parametrize(
    "host", ["a{b.evil.example:80", "a`b.evil.example", "evil.example", "127.0.0.1.evil.example", ""]
)
def test_a_name_that_is_bound_anew(probed: str, host: str) -> None:
    answer = raw(probed, f"GET /queue HTTP/1.1\nHost: {host}\nConnection: close\n\n")
    assert answer.split(" ")[1] in ("400", "403")


def test_a_file_in_an_archive_that_names_another(probed: str) -> None:
    header = "ObjectType = Image\nNDims = 3\nDimSize = 1 1 1\nElementType = MET_UCHAR\nElementDataFile = /etc/passwd\n"
    for name, content, code in (
        ("x.mhd", header.encode(), "unknown_format"),
        ("x.mha", header.encode(), "not_self_contained"),
        ("x.nii.gz", gzip.compress(bytes((IMAGE_MB << 20) + 1024)), "too_large"),
    ):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as packed:
            packed.writestr(name, content)
        files = [("files", ("x.zip", buffer.getvalue()))]
        refused(requests.put(f"{probed}/session/?uncompress=true", files=files, timeout=60), code)


def test_removal_by_path(probed: str) -> None:
    for query in (
        "image?id=../victim/secret",
        "label?id=../victim/secret&tag=final",
        "label?id=nifti&tag=../../victim",
    ):
        refused(requests.delete(f"{probed}/datastore/{query}", timeout=60), "invalid_request")


_NRRD = "NRRD0004\ntype: uint8\ndimension: 3\nsizes: 4 4 1\nencoding: raw\n"
_MHA = "ObjectType = Image\nNDims = 3\nDimSize = 4 4 1\nElementType = MET_UCHAR\n"


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("x.nrrd", _NRRD + "data file: {secret}\n\n"),
        ("x.nrrd", _NRRD + "DataFile:   {secret}\n\n"),
        ("x.nrrd", (_NRRD + "data file: {secret}\n\n").replace("\n", "\r\n")),
        ("x.nrrd", _NRRD + "# padding\n" * 10_000 + "data file: {secret}\n\n"),
        ("x.nrrd", _NRRD + "data file: LIST\n{secret}\n"),
        ("x.mha", _MHA + "ElementDataFile = {secret}\n"),
        ("x.mha", _MHA + "ElementDataFile={secret}\n"),
        ("x.mha", "Comment = elementdatafile = local\n" + _MHA + "ElementDataFile = {secret}\n"),
        ("x.mha", _MHA + "ElementDataFile = LIST\n{secret}\n"),
        ("x.mha", _MHA + "elementdatafile = LOCAL\nElementDataFile = {secret}\n"),
        ("x.mha", _MHA + "ElementDataFile : {secret}\nElementDataFile = LOCAL\n"),
        ("x.mha", _MHA + "ElementDataFile\0 = {secret}\nElementDataFile = LOCAL\n"),
        ("x.mha", _MHA + "CompressedData = True\nElementDataFile = LOCAL\nx"),
        ("x.nrrd", _NRRD + "# foo\rdata file: {secret}\n\n"),
    ],
)
def test_path_read_by_a_header_that_names_a_file(probed: str, server: ServerProcess, name: str, header: str) -> None:
    secret = Path(server.studies).parent / "victim" / "secret.nii.gz"
    content = header.format(secret=secret).encode()
    refused(put_image(probed, content, name=name), "not_self_contained")
    files = {"params": (None, json.dumps({"prompt": FOUND})), "file": (name, content)}
    refused(requests.post(f"{probed}/infer/prsmed", files=files, timeout=60), "not_self_contained")


@pytest.mark.parametrize(
    "archive",
    [
        tar_of(member("../w/a2/victim/slipped.txt")),
        tar_of(member("/tmp/slipped.txt")),
        tar_of(member("link", kind=tarfile.SYMTYPE, link="/etc"), member("link/slipped")),
        tar_of(member("hard", kind=tarfile.LNKTYPE, link="/etc/hostname")),
        tar_of(member("pipe", kind=tarfile.FIFOTYPE)),
        b"no archive",
    ],
    ids=["up", "absolute", "through a link", "hard link", "pipe", "no archive"],
)
def test_tar_slip(probed: str, archive: bytes) -> None:
    files = [("files", ("x.tar.gz", archive))]
    refused(requests.put(f"{probed}/session/?uncompress=true", files=files, timeout=60), "bad_archive")


def test_zip_slip_and_bomb(probed: str) -> None:
    for name, content, code in (
        ("../slip.txt", b"x", "bad_archive"),
        ("big", bytes(IMAGE_MB << 20) + b"x", "too_large"),
    ):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr(name, content)
        files = [("files", ("x.zip", buffer.getvalue()))]
        refused(requests.put(f"{probed}/session/?uncompress=true", files=files, timeout=60), code)


def test_an_honest_archive_is_taken_where_the_door_is_open(server: ServerProcess, url: str, studies: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.add(studies / "series", "patient/series")
    files = [("files", ("x.tar.gz", buffer.getvalue()))]
    session = requests.put(f"{server.url}/session/?uncompress=true", files=files, timeout=60).json()
    assert not {"path", "image"} & set(session["session_info"])
    fields = {"params": (None, json.dumps({"prompt": FOUND}))}
    answer = requests.post(
        f"{server.url}/infer/prsmed?output=json&session_id={session['session_id']}", files=fields, timeout=60
    )
    assert answer.json()["view"]["plane"] == "axial"
    assert requests.delete(f"{server.url}/session/{session['session_id']}", timeout=60).ok
    shut = requests.put(f"{url}/session/?uncompress=true", files=files, timeout=60)
    assert (shut.status_code, shut.json()["error"]["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    "path", ["%2e%2e/system", "../tools/find", "wado/%2e%2e/system", "a/%252e%252e/b", "a//b", "a%3fb"]
)
def test_proxy_traversal(probed: str, path: str) -> None:
    for method in ("GET", "POST"):
        answer = raw(
            probed, f"{method} /proxy/dicom/{path} HTTP/1.1\nHost: 127.0.0.1\nConnection: close\nContent-Length: 0\n\n"
        )
        assert answer.startswith("HTTP/1.1 404")
        assert '"not_found"' in answer


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/reload"),
        ("GET", "/proxy/dicom/studies"),
        ("PUT", "/model/prsmed"),
        ("DELETE", "/model/prsmed"),
        ("GET", "/logs/"),
    ],
)
def test_doors_are_shut_unless_asked_for(url: str, method: str, path: str) -> None:
    response = requests.request(
        method, f"{url}{path}", files={"file": ("x.pt", b"x")} if method == "PUT" else None, timeout=60
    )
    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


def test_reload_reads_the_model_again_where_the_door_is_open(server: ServerProcess) -> None:
    def hits() -> str:
        lines = requests.get(f"{server.url}/metrics", timeout=60).text.splitlines()
        return next(line.split()[-1] for line in lines if line.startswith('prsmed_cache_hits_total{cache="seen"}'))

    for _ in range(2):
        assert ask(server.url, "nifti").ok
    assert float(hits()) > 0
    assert requests.post(f"{server.url}/reload", timeout=60).json() == {"version": "tiny-1"}
    assert ask(server.url, "nifti").ok
    assert float(hits()) == 0, "what the old model saw was kept"


def test_oversized_bodies(probed: str) -> None:
    refused(put_image(probed, bytes((UPLOAD_MB << 20) + 1)), "too_large")
    refused(ask(probed, "nifti", output="json", prompt="x" * (UPLOAD_MB << 20)), "too_large")
    for path in ("/ask/nifti", "/activelearning/first", "/auth/token"):
        refused(requests.post(f"{probed}{path}", data=bytes(2 << 20), timeout=60), "too_large")


def test_an_oversized_body_of_unknown_length(probed: str) -> None:
    def endless() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="x.nii.gz"\r\n\r\n'
        for _ in range(2 * UPLOAD_MB):
            yield bytes(1 << 20)

    headers = {"content-type": "multipart/form-data; boundary=b"}
    with contextlib.suppress(requests.ConnectionError):  # the server may hang up before all of it was sent
        refused(requests.put(f"{probed}/datastore/image", data=endless(), headers=headers, timeout=60), "too_large")


@pytest.mark.parametrize("name", ["bomb.nii.gz", "bomb.png", "bomb.nrrd"])
def test_uploads_that_grow(probed: str, name: str) -> None:
    refused(put_image(probed, bomb(name), name=name), "too_large", "unreadable_image")
    refused(put_label(probed, bomb(name), name=name), "too_large", "unreadable_image")


def bomb(name: str) -> bytes:
    if name.endswith(".gz"):
        return gzip.compress(bytes((IMAGE_MB << 20) + 1024))
    if name.endswith(".nrrd"):
        header = "NRRD0004\ntype: uint8\ndimension: 3\nsizes: 40000 40000 40\nencoding: gzip\n\n"
        return header.encode() + gzip.compress(bytes(1 << 20))
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("L", (8000, 8000)).save(buffer, "PNG")
    return buffer.getvalue()


def test_half_an_upload(probed: str) -> None:
    whole = nifti(value=3)
    for content in (whole[: len(whole) // 2], b"", b"junk"):
        refused(put_image(probed, content), "unreadable_image")
        refused(put_label(probed, content), "unreadable_image")


def test_a_label_that_does_not_fit(probed: str, studies_folder: Path) -> None:
    affine = nib.load(studies_folder / "nifti.nii.gz").affine
    shifted = affine.copy()
    shifted[0, 3] += 1
    refused(put_label(probed, nifti((40, 36, 11), affine)), "bad_label_grid")
    refused(put_label(probed, nifti(affine=shifted)), "bad_label_grid")
    fractions = nib.Nifti1Image(np.full((40, 36, 12), 0.5, np.float32), affine)
    refused(put_label(probed, gzip.compress(fractions.to_bytes())), "bad_label_values")
    files = {"label": ("x.nii.gz", nifti(affine=affine, value=7)), "params": (None, '{"label_names": {"tumour": 1}}')}
    refused(requests.put(f"{probed}/datastore/label?image=nifti", files=files, timeout=60), "unknown_label")
    refused(put_label(probed, nifti(), image="nothing"), "unknown_image")


def test_a_process_for_every_whim(probed: str) -> None:
    """MONAI Label would start one for a task that does not exist, with code of the client's choice."""
    for path, code in (
        ("train/x", "unknown_trainer"),
        ("batch/infer/x", "unknown_model"),
        ("scoring/x", "unknown_method"),
    ):
        refused(requests.post(f"{probed}/{path}", json={"bundle_path": "/tmp"}, timeout=60), code)
    refused(requests.post(f"{probed}/activelearning/x", json={}, timeout=60), "unknown_strategy")
    assert requests.post(f"{probed}/activelearning/first", json={"strategy": ["x"]}, timeout=60).json()["id"]


def test_a_foreign_page_in_a_browser_of_this_machine(probed: str) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}):
        fields = {"params": (None, json.dumps({"prompt": FOUND}))}
        response = requests.post(f"{probed}/infer/prsmed?image=nifti", files=fields, headers=headers, timeout=60)
        refused(response, "foreign_page")
    response = requests.options(f"{probed}/info/", headers={"Origin": "https://evil.example"}, timeout=60)
    assert "access-control-allow-origin" not in response.headers


def test_by_another_address_without_keys(studies: Path, model: Path, tmp_path: Path) -> None:
    """127.0.0.2 stands for an address that others reach: only 127.0.0.1 is let in without keys."""
    for server in serve(studies, model, tmp_path / "log", host="127.0.0.2"):
        refused(requests.get(f"{server.url}/info/", timeout=60), "keys_required")
        refused(ask(server.url, "nifti"), "keys_required")
        assert requests.get(f"{server.url}/health", timeout=60).ok
