"""The command line, as a user types it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from command_line import command
from PIL import Image

from prsmed.cli import app
from prsmed.model.checkpoint import save_checkpoint
from prsmed.model.prsmed import PRSMed


@pytest.fixture
def model(make_tiny: Callable[..., PRSMed], tmp_path: Path) -> str:
    save_checkpoint(make_tiny(presence_threshold=0.0, mask_threshold=0.0), tmp_path / "tiny", "tiny-1")
    return str(tmp_path / "tiny")


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    path = tmp_path / "scan.nii.gz"
    affine = np.diag([-2.0, -2.0, 3.0, 1.0])
    nib.save(nib.Nifti1Image(np.random.default_rng(0).normal(0, 1, (20, 18, 7)).astype(np.float32), affine), path)
    return path


run = command()


def test_ask_a_slice_writes_mask_and_picture(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, model: str, scan: Path, tmp_path: Path
) -> None:
    mask_file, picture = tmp_path / "mask.nii.gz", tmp_path / "seen.png"
    code, out, _ = run(
        capsys, monkeypatch, "ask", str(scan), "Where is the tumour?", "--slice", "3", "--model", model,
        "--out", str(mask_file), "--overlay", str(picture), "--json",
    )  # fmt: skip
    assert code == 0
    asked = json.loads(out)
    assert asked["view"] == {"plane": "axial", "slice": 3}
    assert asked["label_names"] == {"tumour": 1}
    mask = nib.load(mask_file)
    assert mask.shape == (20, 18, 7)
    np.testing.assert_allclose(mask.affine, nib.load(scan).affine, atol=1e-4)
    voxels = np.asarray(mask.dataobj)
    assert voxels[:, :, 3].any()
    assert not np.delete(voxels, 3, axis=2).any()
    with Image.open(picture) as opened:
        assert max(opened.size) >= 512


def test_ask_without_a_slice_is_about_the_volume(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, model: str, scan: Path
) -> None:
    code, out, err = run(capsys, monkeypatch, "ask", str(scan), "Where is the tumour?", "--model", model)
    assert code == 0
    assert "mm³" in out
    assert "slices" in err, "long work shows progress"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--slice", "80"), "slice 80 is outside 0..6 on the axial plane"),
        (("--plane", "diagonal"), "choose one of axial, coronal, sagittal"),
        (("--window", "40,x"), "give two numbers"),
        (("--window", "40,0"), "width"),
        (("--window", "cheese"), "lung"),
        (("--out", "mask.txt"), ".nii.gz"),
        (("--model", "nowhere"), "prsmed train"),
    ],
)
def test_mistakes_are_told_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, model: str, scan: Path,
    words: tuple[str, ...], says: str,
) -> None:  # fmt: skip
    before = sorted(scan.parent.iterdir())
    code, out, err = run(capsys, monkeypatch, "ask", str(scan), "Where?", "--model", model, *words)
    assert code == 2
    assert out == ""
    assert says in err
    assert len(err.strip().splitlines()) == 1
    assert sorted(scan.parent.iterdir()) == before


def test_mistakes_are_json_for_machines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, model: str, tmp_path: Path
) -> None:
    code, out, _ = run(capsys, monkeypatch, "ask", str(tmp_path / "none.nii"), "Where?", "--model", model, "--json")
    assert code == 2
    assert json.loads(out)["error"]["code"] == "file_not_found"


def test_help_is_quick_and_names_the_first_step() -> None:
    shown = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv=['prsmed','--help']; from prsmed.cli import main\n"
         "try: main()\nexcept SystemExit: pass\nprint('torch' in sys.modules)"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "prsmed ask" in shown
    assert shown.strip().endswith("False"), "help must not wait for torch"


def test_every_command_has_help() -> None:
    from typer.main import get_command

    pending = [get_command(app)]
    while pending:
        command = pending.pop()
        assert command.help, command.name
        pending += getattr(command, "commands", {}).values()
