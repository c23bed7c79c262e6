"""Slice views of the host: geometry of oblique volumes, and pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

SHAPE = (10, 24, 30)  # slices, rows, columns


@pytest.fixture
def oblique(host: Any, tmp_path: Path) -> tuple[Any, Any]:
    """A volume turned by 20 degrees about its row axis: as SimpleITK wrote it, and as the host loaded it."""
    import SimpleITK as sitk
    import slicer

    image = sitk.GetImageFromArray(np.random.default_rng(0).integers(0, 200, SHAPE).astype(np.int16))
    cos, sin = np.cos(np.radians(20)), np.sin(np.radians(20))
    image.SetDirection((1, 0, 0, 0, cos, -sin, 0, sin, cos))
    image.SetSpacing((1.0, 1.5, 3.0))
    image.SetOrigin((-20.0, 11.0, 35.0))
    sitk.WriteImage(image, str(tmp_path / "oblique.nrrd"))
    return image, slicer.util.loadVolume(str(tmp_path / "oblique.nrrd"))


def test_view_of_an_oblique_volume(host: Any, oblique: tuple[Any, Any]) -> None:
    import slicer
    import vtk

    image, volume = oblique
    assert volume.GetName() == "oblique"
    slicer.util.setSliceViewerLayers(background=volume, fit=True, rotateToVolumePlane=True)
    widget = slicer.app.layoutManager().sliceWidget("Red")
    assert widget.mrmlSliceCompositeNode().GetBackgroundVolumeID() == volume.GetID()
    flip = np.diag([-1.0, -1.0, 1.0])  # LPS to RAS
    centre = flip @ np.array(image.TransformIndexToPhysicalPoint((15, 12, 7)))
    widget.mrmlSliceNode().JumpSliceByCentering(*centre)

    toRas = slicer.util.arrayFromVTKMatrix(widget.mrmlSliceNode().GetSliceToRAS())
    normal = flip @ np.array(image.GetDirection()).reshape(3, 3)[:, 2]
    assert abs(toRas[:3, 2] @ normal) == pytest.approx(1, abs=1e-6)
    rasToIjk = vtk.vtkMatrix4x4()
    volume.GetRASToIJKMatrix(rasToIjk)
    toIjk = slicer.util.arrayFromVTKMatrix(rasToIjk) @ toRas
    assert np.abs(toIjk[2, :2]).max() < 1e-6
    assert toIjk[2, 3] == pytest.approx(7, abs=1e-6)
    assert np.array_equal(slicer.util.arrayFromVolume(volume), __import__("SimpleITK").GetArrayFromImage(image))


@pytest.mark.parametrize("name", ["Red", "Green", "Yellow"])
def test_overlay_is_drawn_where_the_mask_is(slice_view: Any, tmp_path: Path, name: str) -> None:
    import slicer
    from PIL import Image

    volume = slicer.util.addVolumeFromArray(np.full((32, 32, 32), 100, np.int16))
    volume.CreateDefaultDisplayNodes()
    volume.GetDisplayNode().SetAutoWindowLevel(False)
    volume.GetDisplayNode().SetWindowLevelMinMax(0, 200)
    mask = np.zeros((32, 32, 32), np.uint8)
    mask[12:20, 12:20, 12:20] = 1
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    segment = node.GetSegmentation().AddEmptySegment("tumour", "tumour", (1.0, 0.0, 0.0))
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, segment, volume)
    slicer.util.setSliceViewerLayers(background=volume, fit=True)
    sliceNode = slicer.app.layoutManager().sliceWidget(name).mrmlSliceNode()
    sliceNode.JumpSliceByCentering(15.5, 15.5, 15.5)
    pixels = slice_view(name, tmp_path / "view.png", 200, 160)

    assert pixels.shape == (160, 200, 3)
    assert np.array_equal(pixels, np.asarray(Image.open(tmp_path / "view.png").convert("RGB")))
    red, green, blue = pixels[80, 100].astype(int)
    assert red > green + 40
    assert green == blue
    assert len(set(pixels[80, 40].tolist())) == 1  # grey: image without mask
    assert 90 < pixels[80, 40, 0] < 165
    node.GetDisplayNode().SetVisibility(False)
    assert len(set(slice_view(name, None, 200, 160)[80, 100].tolist())) == 1


def test_views_are_as_new_after_the_scene_is_closed(host: Any, oblique: tuple[Any, Any]) -> None:
    import slicer

    slicer.util.setSliceViewerLayers(background=oblique[1], fit=True, rotateToVolumePlane=True)
    host.closeScene()
    manager = slicer.app.layoutManager()
    nodes = [manager.sliceWidget(name).mrmlSliceNode() for name in manager.sliceViewNames()]
    assert [node.GetOrientation() for node in nodes] == ["Axial", "Coronal", "Sagittal"]
    assert manager.sliceWidget("Red").mrmlSliceCompositeNode().GetBackgroundVolumeID() is None
