from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from prsmed.cli import app
from prsmed.errors import PRSMedError
from prsmed.imaging import Volume, make_phantom, place
from prsmed.inference import Engine
from prsmed.model.checkpoint import save_checkpoint
from prsmed.model.prsmed import PRSMed
from prsmed.orientations import ORIENTATIONS, Study, check_orientations, studies, turn

OBLIQUE = np.array([[1.5, 0.2, 0.1, -10], [-0.2, 1.4, 0.3, 5], [-0.1, -0.3, 4.0, 7], [0, 0, 0, 1.0]])


def quiet(done: int, total: int) -> None:
    """No progress shown."""


@pytest.fixture
def engine(make_tiny: Callable[..., PRSMed], tmp_path: Path) -> Engine:
    """A model that draws on every picture, and not everywhere."""
    save_checkpoint(make_tiny(presence_threshold=0.0), tmp_path / "checkpoint", "tiny-1")
    return Engine(tmp_path / "checkpoint", device="cpu")


def phantom(kind: str = "mr") -> Study:
    return Study(kind, make_phantom(kind, np.random.default_rng(0))[0], "Where is the tumour?")  # type: ignore[arg-type]


def test_the_48_orientations_are_all_different_and_keep_every_voxel_in_its_place() -> None:
    volume = Volume(np.arange(24).reshape(2, 3, 4), OBLIQUE)
    points = {
        int(volume.voxels[at]): OBLIQUE @ (*at, 1) for at in np.ndindex(volume.shape)
    }  # where each value is in the patient
    codes = set()
    for orientation in ORIENTATIONS:
        turned = turn(volume, orientation)
        codes.add(nib.aff2axcodes(turned.affine))
        for at in np.ndindex(turned.shape):
            np.testing.assert_allclose(turned.affine @ (*at, 1), points[int(turned.voxels[at])], atol=1e-9)
    assert len(codes) == len(ORIENTATIONS) == 48
    np.testing.assert_array_equal(turn(volume, ORIENTATIONS[0]).voxels, volume.voxels)


def test_answers_about_a_phantom_do_not_depend_on_how_it_is_stored(engine: Engine) -> None:
    done: list[int] = []
    found = check_orientations(engine, phantom(), lambda count, total: done.append(total - count))
    assert done == list(range(47, -1, -1))
    assert (found.plane, found.slices, found.masked) == ("axial", 3, 3)
    assert (found.dice, found.same_sides, found.same_plane) == (1.0, 1.0, 1.0)
    assert found.distance_mm == pytest.approx(0, abs=1e-6)


def test_a_mask_put_back_mirrored_is_noticed(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    import prsmed.orientations as module

    def mirrored(mask: np.ndarray, image_slice: object, out: np.ndarray) -> None:
        is_flipped = image_slice.flips[1]  # type: ignore[attr-defined]
        place(mask[:, ::-1] if is_flipped else mask, image_slice, out)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "place", mirrored)
    found = check_orientations(engine, phantom(), quiet)
    assert found.dice is not None
    assert found.dice < 0.95


def test_an_affine_left_behind_is_noticed(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    import prsmed.orientations as module

    def mirrored(volume: Volume, orientation: np.ndarray) -> Volume:
        turned = turn(volume, orientation)
        is_mirrored = orientation[0, 1] < 0
        return Volume(turned.voxels[::-1] if is_mirrored else turned.voxels, turned.affine, "MR")

    monkeypatch.setattr(module, "turn", mirrored)
    found = check_orientations(engine, phantom(), quiet)
    assert found.dice is not None
    assert found.dice < 0.95
    assert found.distance_mm is not None
    assert found.distance_mm > 1


def test_nothing_drawn_is_no_overlap(make_tiny: Callable[..., PRSMed], tmp_path: Path) -> None:
    save_checkpoint(make_tiny(presence_threshold=1.1), tmp_path / "checkpoint", "tiny-1")
    found = check_orientations(Engine(tmp_path / "checkpoint", device="cpu"), phantom(), quiet)
    assert (found.masked, found.dice, found.distance_mm, found.same_sides) == (0, None, None, None)


def test_cubic_voxels_have_the_plane_of_their_order(engine: Engine) -> None:
    voxels = np.random.default_rng(0).integers(0, 200, (20, 22, 24), dtype=np.int16)
    found = check_orientations(engine, Study("cube", Volume(voxels, np.eye(4), "MR"), "Where is it?"), quiet)
    assert found.same_plane == pytest.approx(1 / 3)
    assert found.dice == 1.0


def test_a_photograph_is_refused() -> None:
    with pytest.raises(PRSMedError, match="no patient space") as error:
        phantom("photo")
    assert error.value.code == "no_patient_space"


@pytest.mark.slow
def test_the_command_tells_both(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "pairs").mkdir()
    pixels, mask = np.random.default_rng(0).integers(0, 120, (40, 40), dtype=np.uint8), np.zeros((40, 40), np.uint8)
    mask[5:15, 20:30] = 255
    for kind, array in (("image", pixels), ("mask", mask)):
        Image.fromarray(array).save(tmp_path / f"pairs/{kind}.png")
    (tmp_path / "pairs/index.csv").write_text(
        "modality,dataset,target,image,mask,split,group,licence_data\n"
        "brain_mri,made,brain tumour,image.png,mask.png,shared-val,g0,CC0\n"
    )
    file = tmp_path / "small.nii.gz"
    nib.save(nib.Nifti1Image(np.arange(1000, dtype=np.int16).reshape(10, 10, 10), np.diag((1, 1, 3, 1))), file)
    arguments = ["consistency", "--model", str(engine.checkpoint), "--data", str(tmp_path), "--volume", str(file)]
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["mirrored"]["Mirrored both ways"]["brain mri"]["Presence"]["n"] == 1
    assert [one["name"] for one in told["orientations"]] == ["phantom CT", "phantom MR", "small.nii.gz"]
    assert told["model"]["version"] == "tiny-1"
    shown = CliRunner().invoke(app, arguments)
    assert shown.exit_code == 0
    assert "Stored in 48 orientations" in shown.stdout


@pytest.mark.slow
def test_nano_on_phantoms_and_a_real_head(shared_data: Path) -> None:
    engine = Engine.load("nano", device="cpu")
    head = shared_data / "volumes/pyradiomics/brain1_image.nrrd"
    for study in studies([head], "Where is the tumour?"):
        found = check_orientations(engine, study, quiet)
        assert found.masked > 0
        assert found.dice == 1.0
        assert found.distance_mm == pytest.approx(0, abs=1e-6)
        assert found.same_sides == 1.0
