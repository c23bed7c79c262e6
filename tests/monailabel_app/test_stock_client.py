"""MONAI Label's own Python client, unchanged, against our server."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import requests
from monailabel.client import MONAILabelClient
from running import serve
from tiny_model import FOUND

from prsmed.imaging import read_volume

pytestmark = pytest.mark.slow


@pytest.fixture
def client(url: str, tmp_path: Path) -> MONAILabelClient:
    return MONAILabelClient(url, tmpdir=str(tmp_path), client_id="reader-1")


def test_info_and_images(client: MONAILabelClient) -> None:
    assert "prsmed" in client.info()["models"]
    assert "nifti" in client.datastore()["objects"]
    assert not client.auth_enabled()


def test_infer(client: MONAILabelClient, studies: Path) -> None:
    params = {"prompt": FOUND, "slice": 5, "result_extension": ".nrrd", "result_dtype": "uint8"}
    file, answer = client.infer("prsmed", "nifti", params)
    assert read_volume(file).shape == (40, 36, 12)
    assert answer["view"]["slice"] == 5
    file, uploaded = client.infer("prsmed", "", {"prompt": FOUND}, file=str(studies / "nifti.nii.gz"))
    assert read_volume(file).shape == (40, 36, 12)
    assert uploaded["findings"]


def test_session(client: MONAILabelClient, studies: Path) -> None:
    session = client.create_session(str(studies / "nrrd.nrrd"))["session_id"]
    file, _ = client.infer("prsmed", "", {"prompt": FOUND}, session_id=session)
    assert read_volume(file).shape == read_volume(studies / "nrrd.nrrd").shape
    assert client.get_session(session)["name"] == session
    client.remove_session(session)


def test_upload_correct_submit_and_fetch(client: MONAILabelClient, studies: Path, tmp_path: Path) -> None:
    shutil.copy(studies / "nifti.nii.gz", tmp_path / "new.nii.gz")
    assert client.upload_image(str(tmp_path / "new.nii.gz"), "uploaded 1") == {"image": "uploaded 1"}
    mask = np.zeros((40, 36, 12), np.uint8)
    mask[3:9, 4:7, 5] = 2
    label = tmp_path / "label.nii.gz"
    nib.save(nib.Nifti1Image(mask, nib.load(studies / "nifti.nii.gz").affine), label)
    # As the stock Slicer module sends it: its idx counts a background segment too.
    info = {"label_info": [{"name": "liver", "idx": 2}, {"name": "tumour", "idx": 3}], "question": FOUND}
    saved = client.save_label("uploaded 1", str(label), tag="final", params=info)
    assert (saved["image"], saved["label"]) == ("uploaded 1", "uploaded 1")
    fetched = client.download_label("uploaded 1", "final")
    np.testing.assert_array_equal(read_volume(fetched).voxels, mask)
    kept = client.datastore()["objects"]["uploaded 1"]["labels"]["final"]["info"]
    assert (kept["question"], kept["user"], kept["client_id"]) == (FOUND, "local", "reader-1")
    for file in (studies / "labels" / "final" / "uploaded 1.nii.gz", studies / "uploaded 1.nii.gz"):
        file.unlink()


def test_next_sample_and_training(client: MONAILabelClient) -> None:
    assert client.next_sample("first", {})["id"]
    assert not client.train_status(check_if_running=True)


def test_a_read_only_folder_keeps_its_labels_elsewhere(studies_folder: Path, model: Path, tmp_path: Path) -> None:
    """Root writes everywhere, so the folder is one that cannot be written even by it: a file system mounted so."""
    studies, state = Path(shutil.copytree(studies_folder, tmp_path / "studies")), tmp_path / "state"
    mounted = subprocess.run(["mount", "--bind", "-o", "ro", studies, studies], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount a folder read-only")
    try:
        for server in serve(studies, model, tmp_path / "log", PRSMED_STATE=str(state)):
            client = MONAILabelClient(server.url, tmpdir=str(tmp_path))
            file, _ = client.infer("prsmed", "nifti", {"prompt": FOUND})
            client.save_label("nifti", file, tag="final", params={})
            assert client.datastore()["objects"]["nifti"]["labels"]["final"]["ext"] == ".nii.gz"
            assert [path.name for path in state.glob("*/labels/final/*")] == ["nifti.nii.gz"]
            files = {"file": ("a.nii.gz", Path(file).read_bytes())}
            refused = requests.put(f"{server.url}/datastore/image", files=files, timeout=60).json()
            assert refused["error"]["code"] == "read_only"
    finally:
        subprocess.run(["umount", studies], check=True)
