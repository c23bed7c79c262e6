"""Masks, segments and label maps on the real Slicer core: right voxels, right place, through files and scenes."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from panel_paths import MODULE

from PRSMedLib.nrrd import Image
from PRSMedLib.problem import Problem
from PRSMedLib.regions import Mask, maskOf

SHAPE = (6, 20, 24)
OBLIQUE = np.array([[0.8, -0.6, 0, 5], [0.6, 0.8, 0, -7], [0, 0, 3, 11], [0, 0, 0, 1.0]])
FLIPPED = np.array([[-0.7, 0, 0, 90], [0, -0.9, 0, 80], [0, 0, -2.5, 70], [0, 0, 0, 1.0]])
SAGITTAL = np.array([[0, 0, 3.0, -40], [-1.0, 0, 0, 50], [0, -1.0, 0, 60], [0, 0, 0, 1.0]])
GEOMETRIES = {"oblique": OBLIQUE, "flipped": FLIPPED, "sagittal": SAGITTAL}


@pytest.fixture(autouse=True)
def _slicer(host: Any) -> None:
    """Every test here has a scene."""


def volume_of(matrix: NDArray[np.float64], voxels: NDArray[Any] | None = None) -> Any:
    import slicer

    voxels = np.arange(np.prod(SHAPE)).reshape(SHAPE).astype(np.int16) if voxels is None else voxels
    node = slicer.util.addVolumeFromArray(voxels, name="image")
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(matrix))
    return node


def mask_of(*values: int) -> NDArray[np.uint8]:
    mask = np.zeros(SHAPE, np.uint8)
    for number, value in enumerate(values):
        mask[1 + number, 5:9, 3 + 6 * number : 8 + 6 * number] = value
    return mask


def mask_at(mask: NDArray[np.uint8], matrix: NDArray[np.float64]) -> Mask:
    return maskOf(Image(mask, matrix))


def turned() -> Any:
    """A parent transform that turns and moves."""
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = np.array([[0, -1.0, 0, 30], [1, 0, 0, -20], [0, 0, 1, 10], [0, 0, 0, 1]])
    node.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    return node


@pytest.mark.parametrize("matrix", GEOMETRIES.values(), ids=GEOMETRIES)
@pytest.mark.parametrize("under_transform", [False, True], ids=["free", "transformed"])
def test_a_mask_comes_back_voxel_for_voxel(matrix: NDArray[np.float64], under_transform: bool) -> None:
    from PRSMedLib import segments

    volume = volume_of(matrix)
    if under_transform:
        volume.SetAndObserveTransformNodeID(turned().GetID())
    mask = mask_of(1, 2)
    ids = segments.addMask(volume, mask_at(mask, matrix), {"tumor": 1, "lung nodule": 2}, "Where?")
    node = segments.segmentationOf(volume)
    assert len(ids) == 2
    assert node.GetTransformNodeID() == volume.GetTransformNodeID()
    labels, names = segments.labelmapOf(node, volume)
    np.testing.assert_array_equal(labels.voxels, mask)
    assert names == {"tumor": 1, "lung nodule": 2}


def test_a_segment_lies_in_the_world_where_its_voxels_are() -> None:
    import slicer
    import vtk

    from PRSMedLib import segments

    volume = volume_of(OBLIQUE)
    transform = turned()
    volume.SetAndObserveTransformNodeID(transform.GetID())
    (segment,) = segments.addMask(volume, mask_at(mask_of(1), OBLIQUE), {"tumor": 1}, "")
    node = segments.segmentationOf(volume)
    center = np.array(node.GetSegmentCenterRAS(segment))
    k, j, i = (axis.mean() for axis in np.nonzero(mask_of(1)))
    matrix = vtk.vtkMatrix4x4()
    transform.GetMatrixTransformToWorld(matrix)
    expected = (slicer.util.arrayFromVTKMatrix(matrix) @ OBLIQUE @ (i, j, k, 1))[:3]
    # Slicer's middle is a voxel's.
    assert np.linalg.norm(center - expected) < 0.51


def test_a_mask_on_the_grid_of_the_file_fits_a_volume_that_was_loaded_flipped() -> None:
    """DICOM readers differ in the order of slices: place counts, not index."""
    from PRSMedLib import segments

    volume = volume_of(OBLIQUE)
    flipped = OBLIQUE.copy()
    flipped[:3, 2] *= -1
    flipped[:3, 3] += (SHAPE[0] - 1) * OBLIQUE[:3, 2]
    segments.addMask(volume, mask_at(mask_of(1)[::-1], flipped), {"tumor": 1}, "")
    labels, _names = segments.labelmapOf(segments.segmentationOf(volume), volume)
    np.testing.assert_array_equal(labels.voxels, mask_of(1))


def test_a_mask_of_another_image_is_refused_and_nothing_is_added() -> None:
    from PRSMedLib import segments

    volume, elsewhere = volume_of(OBLIQUE), OBLIQUE.copy()
    elsewhere[:3, 3] += 1000
    with pytest.raises(Problem) as caught:
        segments.addMask(volume, mask_at(mask_of(1), elsewhere), {"tumor": 1}, "")
    assert caught.value.code == "other_grid"
    assert segments.segmentationOf(volume) is None


def test_earlier_segments_stay_and_get_company() -> None:
    from PRSMedLib import segments

    volume = volume_of(OBLIQUE)
    (first,) = segments.addMask(volume, mask_at(mask_of(1), OBLIQUE), {"tumor": 1}, "one")
    (second,) = segments.addMask(volume, mask_at(mask_of(0, 1), OBLIQUE), {"tumor": 1}, "two")
    node = segments.segmentationOf(volume)
    segmentation = node.GetSegmentation()
    assert [*segmentation.GetSegmentIDs()] == [first, second]
    colors = {segmentation.GetSegment(each).GetColor() for each in (first, second)}
    assert len(colors) == 2
    labels, names = segments.labelmapOf(node, volume)
    assert names == {"tumor": 1}
    np.testing.assert_array_equal(labels.voxels, mask_of(1, 1))
    segments.removeSegments(node, [second, "gone"])
    np.testing.assert_array_equal(segments.labelmapOf(node, volume)[0].voxels, mask_of(1))


def test_hidden_segments_are_left_out_and_none_is_told() -> None:
    from PRSMedLib import segments

    volume = volume_of(OBLIQUE)
    ids = segments.addMask(volume, mask_at(mask_of(1, 2), OBLIQUE), {"tumor": 1, "cyst": 2}, "")
    node = segments.segmentationOf(volume)
    node.GetDisplayNode().SetSegmentVisibility(ids[0], False)
    labels, names = segments.labelmapOf(node, volume)
    assert names == {"cyst": 1}
    np.testing.assert_array_equal(labels.voxels, mask_of(0, 1))
    node.GetDisplayNode().SetSegmentVisibility(ids[1], False)
    with pytest.raises(Problem, match="visible"):
        segments.labelmapOf(node, volume)


def test_segments_that_were_moved_away_from_their_volume_are_not_submitted() -> None:
    from PRSMedLib import segments

    volume = volume_of(OBLIQUE)
    segments.addMask(volume, mask_at(mask_of(1), OBLIQUE), {"tumor": 1}, "")
    node = segments.segmentationOf(volume)
    node.SetAndObserveTransformNodeID(turned().GetID())
    with pytest.raises(Problem) as caught:
        segments.labelmapOf(node, volume)
    assert caught.value.code == "moved_apart"


@pytest.mark.parametrize("question", ["Where is it: left|right?", "é ~^ <b>\n;", ""])
def test_question_terms_and_voxels_survive_a_segmentation_file(host: Any, tmp_path: Path, question: str) -> None:
    import slicer
    import vtk

    from PRSMedLib import segments
    from PRSMedLib.terminology import termOf

    volume = volume_of(OBLIQUE)
    segments.addMask(volume, mask_at(mask_of(1), OBLIQUE), {"lung nodule": 1}, question)
    file = tmp_path / "answer.seg.nrrd"
    assert slicer.util.saveNode(segments.segmentationOf(volume), str(file))
    node = slicer.util.loadSegmentation(str(file))
    segment = node.GetSegmentation().GetNthSegment(0)
    assert segment.GetName() == "lung nodule"
    tag = vtk.mutable("")
    assert segment.GetTag("PRSMed.Question", tag)
    assert base64.b64decode(str(tag)).decode() == question
    assert termOf("lung nodule").type[2] == "Nodule"
    array = slicer.util.arrayFromSegmentBinaryLabelmap(node, node.GetSegmentation().GetNthSegmentID(0), volume)
    np.testing.assert_array_equal(array > 0, mask_of(1) > 0)


def test_a_label_map_volume_lies_on_the_image() -> None:
    import slicer

    from PRSMedLib import segments

    volume = volume_of(FLIPPED)
    volume.SetAndObserveTransformNodeID(turned().GetID())
    segments.addMask(volume, mask_at(mask_of(1), FLIPPED), {"tumor": 1}, "")
    label = segments.toLabelVolume(segments.segmentationOf(volume), volume)
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(label), mask_of(1))
    assert label.GetTransformNodeID() == volume.GetTransformNodeID()
    import vtk

    matrix = vtk.vtkMatrix4x4()
    label.GetIJKToRASMatrix(matrix)
    np.testing.assert_allclose(slicer.util.arrayFromVTKMatrix(matrix), FLIPPED, atol=1e-6)


def test_a_photograph_is_sent_as_a_picture_and_its_mask_lies_on_it(tmp_path: Path) -> None:
    import slicer
    from PIL import Image as Pillow

    from PRSMedLib import segments, volumes

    # As Slicer loads it; its core alone has no reader for pictures.
    file = MODULE / "Resources" / "SampleData" / "skin_photo.png"
    pixels = np.asarray(Pillow.open(file))[np.newaxis].copy()
    volume = slicer.util.addVolumeFromArray(pixels, nodeClassName="vtkMRMLVectorVolumeNode")
    volume.SetIJKToRASDirections(-1, 0, 0, 0, -1, 0, 0, 0, 1)
    assert volumes.isPicture(volume)
    name, content = volumes.packed(volume)()
    assert name.endswith(".png")
    (tmp_path / name).write_bytes(content)
    np.testing.assert_array_equal(np.asarray(Pillow.open(tmp_path / name)), np.asarray(Pillow.open(file)))
    mask = np.zeros((1, 256, 256), np.uint8)
    mask[0, 10:30, 200:240] = 1
    # The server knows no patient space for a picture; Slicer has one all the same.
    segments.addMask(volume, mask_at(mask, np.diag([-1.0, -1, 1, 1])), {"lesion": 1}, "")
    labels, _names = segments.labelmapOf(segments.segmentationOf(volume), volume)
    np.testing.assert_array_equal(labels.voxels, mask)
    with pytest.raises(Problem, match="another size"):
        segments.addMask(volume, mask_at(mask[:, :100], np.eye(4)), {"lesion": 1}, "")


def test_only_voxels_and_geometry_are_sent() -> None:
    from PRSMedLib import volumes
    from PRSMedLib.nrrd import decode

    volume = volume_of(OBLIQUE)
    volume.SetName("Doe^Jane 1970")
    volume.SetAttribute("DICOM.instanceUIDs", "1.2.3.4")
    name, content = volumes.packed(volume)()
    head = content.partition(b"\n\n")[0]
    assert b"Jane" not in head
    assert b"1.2.3.4" not in head
    assert "Jane" not in name
    np.testing.assert_allclose(decode(content).ijkToRas, OBLIQUE)


def test_several_slices_in_color_are_refused() -> None:
    import slicer

    from PRSMedLib import volumes

    voxels = np.zeros((4, 5, 6, 3), np.uint8)
    node = slicer.util.addVolumeFromArray(voxels, nodeClassName="vtkMRMLVectorVolumeNode")
    with pytest.raises(Problem) as caught:
        volumes.packed(node)
    assert caught.value.code == "color_volume"


def test_a_stamp_changes_with_the_voxels_and_not_with_the_display() -> None:
    import slicer

    from PRSMedLib import volumes

    volume = volume_of(OBLIQUE)
    volume.CreateDefaultDisplayNodes()
    before = volumes.stamp(volume)
    volume.GetDisplayNode().SetAutoWindowLevel(False)
    volume.GetDisplayNode().SetWindowLevel(400, 40)
    volume.SetName("other")
    assert volumes.stamp(volume) == before
    assert volumes.shownWindow(volume) == [40, 400]
    slicer.util.arrayFromVolume(volume)[0, 0, 0] = 99
    slicer.util.arrayFromVolumeModified(volume)
    assert volumes.stamp(volume) != before


def test_a_bent_volume_is_refused() -> None:
    import slicer

    from PRSMedLib import volumes

    volume = volume_of(OBLIQUE)
    bend = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLBSplineTransformNode")
    volume.SetAndObserveTransformNodeID(bend.GetID())
    with pytest.raises(Problem, match="Harden"):
        volumes.ijkToWorld(volume)
