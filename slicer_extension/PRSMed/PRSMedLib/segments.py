"""Masks become segments on the grid of their volume, and segments become a label map again."""

from __future__ import annotations

import base64
import colorsys
import zlib
from typing import TYPE_CHECKING

import slicer
import vtk

from PRSMedLib.i18n import tr as _
from PRSMedLib.nrrd import Image
from PRSMedLib.problem import Problem
from PRSMedLib.regions import Mask, Region
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


def addMask(volumeNode: slicer.vtkMRMLVolumeNode, mask: Mask, labelNames: dict[str, int], question: str) -> list[str]:
    """Add a segment for each label of a mask; those that are there stay as they are.

    Args:
        volumeNode: The image.
        mask: The labels. Another grid than the volume's is resampled to it, nearest neighbour.
        labelNames: Name to value; values without one are called after their number.
        question: Kept with the segment.

    Returns:
        Ids of the new segments.

    Raises:
        Problem: ``other_grid`` when the mask cannot be of this volume.
    """
    names = {value: name for name, value in labelNames.items()}
    images = [_oriented(mask, region, volumeNode) for region in mask.regions]
    segmentation = makeSegmentation(volumeNode).GetSegmentation()
    ids = []
    for region, image in zip(mask.regions, images, strict=True):
        name = names.get(region.value, _("label {0}").format(region.value))
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


def digests(segmentationNode: slicer.vtkMRMLSegmentationNode, segmentIds: list[str]) -> dict[str, int]:
    """A number for each segment that is there, which changes when its voxels do."""
    from vtk.util.numpy_support import vtk_to_numpy

    found = {}
    for segmentId in segmentIds:
        segment = segmentationNode.GetSegmentation().GetSegment(segmentId)
        image = segment.GetRepresentation(_binaryLabelmap()) if segment else None
        if image is not None and image.GetPointData().GetScalars() is not None:
            isLabel = vtk_to_numpy(image.GetPointData().GetScalars()) == segment.GetLabelValue()
            found[segmentId] = zlib.crc32(isLabel.tobytes(), zlib.crc32(repr(image.GetExtent()).encode()))
    return found


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


def _oriented(mask: Mask, region: Region, volumeNode: slicer.vtkMRMLVolumeNode) -> slicer.vtkOrientedImageData:
    """One label on the volume's grid, no larger than it has to be."""
    import numpy as np

    # A picture has no patient space: where Slicer puts it is Slicer's own.
    isPlaceless, own = isPicture(volumeNode), ijkToRas(volumeNode)
    isSameSize = mask.size == size(volumeNode)
    if isPlaceless and not isSameSize:
        raise Problem("other_grid", _("The mask has another size than the picture; load the picture again."))
    corner = (*(length - 1 for length in size(volumeNode)), 1.0)
    drift = np.abs((mask.ijkToRas - own) @ np.array([[0, 0, 0, 1], corner]).T).max()
    if isPlaceless or (isSameSize and drift < _SAME_PLACE_MM):
        return _imageOf(region, own)
    return _resampled(_imageOf(region, mask.ijkToRas), volumeNode)


def _imageOf(region: Region, matrix: NDArray[np.float64]) -> slicer.vtkOrientedImageData:
    from vtk.util.numpy_support import numpy_to_vtk

    extent = [
        each
        for first, length in zip(region.start, reversed(region.isLabel.shape), strict=True)
        for each in (first, first + length - 1)
    ]
    image = slicer.vtkOrientedImageData()
    image.SetExtent(*extent)
    image.GetPointData().SetScalars(numpy_to_vtk(region.isLabel.ravel(), deep=True))
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
    segments = [segmentation.GetNthSegment(number) for number in range(segmentation.GetNumberOfSegments())]
    taken = {tuple(round(part, 3) for part in segment.GetColor()) for segment in segments}
    hue, saturation, value = colorsys.rgb_to_hsv(*wanted)
    color = wanted
    while tuple(round(part, 3) for part in color) in taken:
        hue = (hue + 0.13) % 1
        color = colorsys.hsv_to_rgb(hue, max(saturation, 0.5), value)
    return color


def _binaryLabelmap() -> str:
    return slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
