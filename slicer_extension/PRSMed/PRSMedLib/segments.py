"""Masks become segments on the grid of their volume, and segments become a label map again."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import slicer
import vtk

from PRSMedLib.i18n import tr as _
from PRSMedLib.nrrd import Image
from PRSMedLib.problem import Problem
from PRSMedLib.terminology import termOf
from PRSMedLib.volumes import ijkToRas, isPicture, size

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_OF_VOLUME = "PRSMed.Volume"
_QUESTION_TAG = "PRSMed.Question"
_LARGEST_LABEL = 255
_SAME_PLACE_MM = 1e-3


def segmentationOf(volumeNode: slicer.vtkMRMLVolumeNode) -> slicer.vtkMRMLSegmentationNode | None:
    """The segmentation node that answers about a volume go to, if there is one."""
    for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
        if node.GetNodeReferenceID(_OF_VOLUME) == volumeNode.GetID():
            return node
    return None


def makeSegmentation(volumeNode: slicer.vtkMRMLVolumeNode) -> slicer.vtkMRMLSegmentationNode:
    """That node, made when it is missing, on the volume's grid and under its transform."""
    node = segmentationOf(volumeNode)
    if node is None:
        name = _("{0} PRS-Med").format(volumeNode.GetName())
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
        node.CreateDefaultDisplayNodes()
        node.SetNodeReferenceID(_OF_VOLUME, volumeNode.GetID())
        node.GetSegmentation().SetSourceRepresentationName(_binaryLabelmap())
    node.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
    node.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())
    return node


def addMask(volumeNode: slicer.vtkMRMLVolumeNode, mask: Image, labelNames: dict[str, int], question: str) -> list[str]:
    """Add a segment for each label of a mask; those that are there stay as they are.

    Args:
        volumeNode: The image.
        mask: Values by label. Another grid than the volume's is resampled to it, nearest neighbour.
        labelNames: Name to value; values without one are called after their number.
        question: Kept with the segment.

    Returns:
        Ids of the new segments.

    Raises:
        Problem: ``other_grid`` when the mask cannot be of this volume.
    """
    import numpy as np

    names = {value: name for name, value in labelNames.items()}
    values = [int(value) for value in np.unique(mask.voxels) if value]
    oriented = [(value, _oriented(mask, value, volumeNode)) for value in values]
    segmentationNode = makeSegmentation(volumeNode)
    segmentation = segmentationNode.GetSegmentation()
    ids = []
    for value, image in oriented:
        name = names.get(value, _("label {0}").format(value))
        term = termOf(name)
        segment = slicer.vtkSegment()
        segment.SetName(name)
        segment.SetColor(*_freshColor(segmentation, term.color))
        segment.SetTag(segment.GetTerminologyEntryTagName(), term.serialized())
        # Files of segmentations end tags at "|" and lines; encoded text has neither.
        segment.SetTag(_QUESTION_TAG, base64.b64encode(question.encode()).decode())
        segment.SetTag("Segmentation.Status", "inprogress")
        segment.AddRepresentation(_binaryLabelmap(), image)
        segmentId = segmentation.GenerateUniqueSegmentID(name)
        segmentation.AddSegment(segment, segmentId)
        ids.append(segmentId)
    return ids


def questionOf(segment: slicer.vtkSegment) -> str:
    """The question a segment answers; ``""`` for one that was drawn by hand."""
    text = vtk.mutable("")
    return base64.b64decode(str(text)).decode() if segment.GetTag(_QUESTION_TAG, text) and str(text) else ""


def removeSegments(segmentationNode: slicer.vtkMRMLSegmentationNode, segmentIds: list[str]) -> None:
    """Take segments away, as far as they are still there."""
    segmentation = segmentationNode.GetSegmentation()
    for segmentId in segmentIds:
        if segmentation.GetSegment(segmentId):
            segmentation.RemoveSegment(segmentId)


def labelmapOf(
    segmentationNode: slicer.vtkMRMLSegmentationNode, volumeNode: slicer.vtkMRMLVolumeNode
) -> tuple[Image, dict[str, int]]:
    """The visible segments as a label map on the volume's grid; segments of one name are one label.

    Where segments overlap the later one counts.

    Returns:
        uint8 label map, all 0 when every segment is empty; name to value.

    Raises:
        Problem: ``no_segments`` when none is visible; ``too_many_labels``; ``moved_apart`` when volume and
            segmentation are under different transforms.
    """
    import numpy as np

    if segmentationNode.GetTransformNodeID() != volumeNode.GetTransformNodeID():
        raise Problem(
            "moved_apart", _("Volume and segmentation are under different transforms. Put both under the same one.")
        )
    voxels = np.zeros(size(volumeNode)[::-1], np.uint8)
    names: dict[str, int] = {}
    for segmentId in visibleSegments(segmentationNode):
        name = segmentationNode.GetSegmentation().GetSegment(segmentId).GetName()
        value = names.setdefault(name, len(names) + 1)
        if value > _LARGEST_LABEL:
            raise Problem("too_many_labels", _("There are more than 255 names of segments; hide some."))
        voxels[slicer.util.arrayFromSegmentBinaryLabelmap(segmentationNode, segmentId, volumeNode) > 0] = value
    if not names:
        raise Problem("no_segments", _("No segment is visible. Show those that belong to the label, hide the others."))
    return Image(voxels, ijkToRas(volumeNode)), names


def visibleSegments(segmentationNode: slicer.vtkMRMLSegmentationNode) -> list[str]:
    """Ids of the segments that are shown."""
    display = segmentationNode.GetDisplayNode()
    ids = segmentationNode.GetSegmentation().GetSegmentIDs()
    return [each for each in ids if display is None or display.GetSegmentVisibility(each)]


def toLabelVolume(
    segmentationNode: slicer.vtkMRMLSegmentationNode, volumeNode: slicer.vtkMRMLVolumeNode
) -> slicer.vtkMRMLLabelMapVolumeNode:
    """The visible segments as a new label map volume beside the image."""
    labels, _names = labelmapOf(segmentationNode, volumeNode)
    name = slicer.mrmlScene.GenerateUniqueName(_("{0} label").format(segmentationNode.GetName()))
    node = slicer.util.addVolumeFromArray(labels.voxels, nodeClassName="vtkMRMLLabelMapVolumeNode", name=name)
    matrix = vtk.vtkMatrix4x4()
    volumeNode.GetIJKToRASMatrix(matrix)
    node.SetIJKToRASMatrix(matrix)
    node.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())
    return node


def _oriented(mask: Image, value: int, volumeNode: slicer.vtkMRMLVolumeNode) -> slicer.vtkOrientedImageData:
    """One label on the volume's grid, no larger than it has to be."""
    import numpy as np

    dimensions = size(volumeNode)
    # A picture has no patient space: where Slicer puts it is Slicer's own.
    matrix = ijkToRas(volumeNode) if isPicture(volumeNode) else mask.ijkToRas
    isSameSize = mask.voxels.shape == dimensions[::-1]
    if isPicture(volumeNode) and not isSameSize:
        raise Problem("other_grid", _("The mask has another size than the picture; load the picture again."))
    corner = (*(length - 1 for length in dimensions), 1.0)
    drift = np.abs((matrix - ijkToRas(volumeNode)) @ np.array([[0, 0, 0, 1], corner]).T).max()
    if isSameSize and drift < _SAME_PLACE_MM:
        return _cropped(mask.voxels == value, ijkToRas(volumeNode))
    return _resampled(_cropped(mask.voxels == value, matrix), volumeNode)


def _cropped(isLabel: NDArray[np.bool_], matrix: NDArray[np.float64]) -> slicer.vtkOrientedImageData:
    import numpy as np
    from vtk.util.numpy_support import numpy_to_vtk

    # (K, J, I) to first and last index along I, J, K.
    lines = [np.flatnonzero(isLabel.any(axis=tuple({0, 1, 2} - {axis}))) for axis in (2, 1, 0)]
    (i0, i1), (j0, j1), (k0, k1) = ((int(line[0]), int(line[-1])) for line in lines)
    part = np.ascontiguousarray(isLabel[k0 : k1 + 1, j0 : j1 + 1, i0 : i1 + 1], np.uint8)
    image = slicer.vtkOrientedImageData()
    image.SetExtent(i0, i1, j0, j1, k0, k1)
    image.GetPointData().SetScalars(numpy_to_vtk(part.ravel(), deep=True))
    image.SetGeometryFromImageToWorldMatrix(slicer.util.vtkMatrixFromArray(matrix))
    return image


def _resampled(image: slicer.vtkOrientedImageData, volumeNode: slicer.vtkMRMLVolumeNode) -> slicer.vtkOrientedImageData:
    grid = slicer.vtkOrientedImageData()
    i, j, k = size(volumeNode)
    grid.SetExtent(0, i - 1, 0, j - 1, 0, k - 1)
    grid.SetGeometryFromImageToWorldMatrix(slicer.util.vtkMatrixFromArray(ijkToRas(volumeNode)))
    fitted = slicer.vtkOrientedImageData()
    isDone = slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(image, grid, fitted)
    if not isDone or fitted.GetScalarRange()[1] == 0:
        raise Problem("other_grid", _("The mask lies outside the volume; it cannot be of this image."))
    return fitted


def _freshColor(segmentation: slicer.vtkSegmentation, wanted: tuple[float, float, float]) -> tuple[float, float, float]:
    """The colour, a little turned for each segment that has it."""
    import colorsys

    taken = {
        tuple(round(part, 3) for part in _segment(segmentation, n).GetColor())
        for n in range(segmentation.GetNumberOfSegments())
    }
    hue, saturation, value = colorsys.rgb_to_hsv(*wanted)
    color = wanted
    while tuple(round(part, 3) for part in color) in taken:
        hue = (hue + 0.13) % 1
        color = colorsys.hsv_to_rgb(hue, max(saturation, 0.5), value)
    return color


def _segment(segmentation: slicer.vtkSegmentation, number: int) -> Any:
    return segmentation.GetNthSegment(number)


def _binaryLabelmap() -> str:
    return slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
