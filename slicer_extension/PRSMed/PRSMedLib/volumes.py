"""A volume node as the server needs it: which slice is shown, where it is, what would be sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import slicer
import vtk

from PRSMedLib.i18n import tr as _
from PRSMedLib.nrrd import Image, encode
from PRSMedLib.problem import Problem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"})
_PICTURE_CHANNELS = (1, 3, 4)


def size(volumeNode: slicer.vtkMRMLVolumeNode) -> tuple[int, int, int]:
    """Voxels along I, J and K.

    Raises:
        Problem: ``empty_volume``.
    """
    image = volumeNode.GetImageData()
    if image is None or 0 in image.GetDimensions():
        raise Problem(
            "empty_volume", _("The volume {0} has no voxels; load its image again.").format(volumeNode.GetName())
        )
    return image.GetDimensions()


def ijkToRas(volumeNode: slicer.vtkMRMLVolumeNode) -> NDArray[np.float64]:
    """``(4, 4)``, voxel index to RAS millimetres, without parent transforms."""
    matrix = vtk.vtkMatrix4x4()
    volumeNode.GetIJKToRASMatrix(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


def ijkToWorld(volumeNode: slicer.vtkMRMLVolumeNode) -> NDArray[np.float64]:
    """The same with parent transforms.

    Raises:
        Problem: ``warped`` when they are not linear.
    """
    transformNode = volumeNode.GetParentTransformNode()
    if transformNode is None:
        return ijkToRas(volumeNode)
    if not transformNode.IsTransformToWorldLinear():
        raise Problem(
            "warped",
            _("The volume is under a transform that bends it ({0}). Harden it, or take the volume out of it.").format(
                transformNode.GetName()
            ),
        )
    matrix = vtk.vtkMatrix4x4()
    transformNode.GetMatrixTransformToWorld(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix) @ ijkToRas(volumeNode)


def isPicture(volumeNode: slicer.vtkMRMLVolumeNode) -> bool:
    """Whether it is a photograph or a screenshot: one slice of bytes, in colour or from a picture file."""
    image = volumeNode.GetImageData()
    isOneSlice = size(volumeNode)[2] == 1 and image.GetScalarType() == vtk.VTK_UNSIGNED_CHAR
    channels = image.GetNumberOfScalarComponents()
    return isOneSlice and (channels > 1 or PurePath(_fileName(volumeNode)).suffix.lower() in _PICTURES)


def stamp(volumeNode: slicer.vtkMRMLVolumeNode) -> tuple[Any, ...]:
    """Changes when voxels or geometry do; costs nothing.

    Raises:
        Problem: ``empty_volume``.
    """
    size(volumeNode)
    return (volumeNode.GetImageData().GetMTime(), *ijkToRas(volumeNode).ravel().tolist())


def megabytes(volumeNode: slicer.vtkMRMLVolumeNode) -> float:
    """Size of its voxels."""
    return volumeNode.GetImageData().GetActualMemorySize() / 1024


def packed(volumeNode: slicer.vtkMRMLVolumeNode) -> Callable[[], tuple[str, bytes]]:
    """What will be sent, to be called in any thread: the name of a file and its content.

    Only voxels and geometry go into it: no patient's name, no identifiers, no name of the volume.

    Raises:
        Problem: ``empty_volume``; ``color_volume`` for several slices in colour.
    """
    image = volumeNode.GetImageData()
    size(volumeNode)
    if isPicture(volumeNode) and image.GetNumberOfScalarComponents() in _PICTURE_CHANNELS:
        pixels = slicer.util.arrayFromVolume(volumeNode)[0]
        return lambda: ("image.png", _png(pixels))
    if image.GetNumberOfScalarComponents() != 1:
        raise Problem(
            "color_volume",
            _("{0} has several values a voxel; ask about one channel of it.").format(volumeNode.GetName()),
        )
    volume = Image(slicer.util.arrayFromVolume(volumeNode), ijkToRas(volumeNode))
    return lambda: ("image.nrrd", encode(volume))


def shownWindow(volumeNode: slicer.vtkMRMLVolumeNode) -> list[float] | None:
    """``[centre, width]`` where somebody chose it; ``None`` where it is automatic or the image has colour."""
    display = volumeNode.GetScalarVolumeDisplayNode() if hasattr(volumeNode, "GetScalarVolumeDisplayNode") else None
    isChosen = display is not None and not display.GetAutoWindowLevel() and display.GetWindow() > 0
    if not isChosen or volumeNode.GetImageData().GetNumberOfScalarComponents() > 1:
        return None
    return [display.GetLevel(), display.GetWindow()]


def modality(volumeNode: slicer.vtkMRMLVolumeNode) -> str:
    """DICOM's modality, where the volume was loaded from DICOM; else ``""``."""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    item = hierarchy.GetItemByDataNode(volumeNode) if hierarchy else 0
    return hierarchy.GetItemAttribute(item, "DICOM.Modality") if item else ""


def _fileName(volumeNode: slicer.vtkMRMLVolumeNode) -> str:
    storage = volumeNode.GetStorageNode()
    return (storage.GetFileName() or "") if storage else ""


def _png(pixels: NDArray[np.uint8]) -> bytes:
    """Rows from the top, as Slicer has pictures; VTK's begin at the bottom."""
    from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

    if pixels.ndim == 3:
        pixels = pixels[:, :, :3]
    height, width = pixels.shape[:2]
    image = vtk.vtkImageData()
    image.SetDimensions(width, height, 1)
    channels = pixels.reshape(height, width, -1)[::-1]
    image.GetPointData().SetScalars(numpy_to_vtk(channels.reshape(height * width, -1).copy(), deep=True))
    writer = vtk.vtkPNGWriter()
    writer.WriteToMemoryOn()
    writer.SetInputData(image)
    writer.Write()
    return vtk_to_numpy(writer.GetResult()).tobytes()
