"""Slice views: what one shows, and how it comes to show a finding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import slicer
import vtk

from PRSMedLib.geometry import ShownSlice, shownSlice
from PRSMedLib.i18n import tr as _
from PRSMedLib.problem import Problem
from PRSMedLib.volumes import ijkToRas, ijkToWorld, shownWindow, size

SLICE, RANGE, VOLUME = "slice", "range", "volume"


def shown(volumeNode: slicer.vtkMRMLVolumeNode, sliceNode: slicer.vtkMRMLSliceNode) -> ShownSlice:
    """The slice of the volume's voxels that a view shows.

    Raises:
        Problem: ``oblique_view``, ``outside``, ``warped``, ``empty_volume``.
    """
    sliceToRas = slicer.util.arrayFromVTKMatrix(sliceNode.GetSliceToRAS())
    return shownSlice(sliceToRas, ijkToWorld(volumeNode), ijkToRas(volumeNode), size(volumeNode))


def whatToAsk(
    volumeNode: slicer.vtkMRMLVolumeNode,
    sliceNode: slicer.vtkMRMLSliceNode,
    scope: str,
    sliceRange: tuple[int, int],
) -> tuple[dict[str, Any], str]:
    """The view of a question as the server wants it, and in words.

    Args:
        volumeNode: The image.
        sliceNode: The view whose slice or plane is asked about.
        scope: :data:`SLICE`, :data:`RANGE` or :data:`VOLUME`.
        sliceRange: First and last slice, both included, for :data:`RANGE`.

    Raises:
        Problem: As :func:`shown`; ``bad_range``; ``thin`` for a plane in which a single slice is a line.
    """
    window = shownWindow(volumeNode)
    view: dict[str, Any] = {"window": window} if window else {}
    dimensions = size(volumeNode)
    if dimensions[2] == 1 and scope == SLICE:
        return view, _("the image")
    if scope == VOLUME:
        return {**view, "mode": "volume"}, _("whole volume")
    there = shown(volumeNode, sliceNode)
    if min(dimensions[: there.axis] + dimensions[there.axis + 1 :]) == 1:
        raise Problem("thin", _("The image has a single slice, and this view shows its edge. Press Align view."))
    view["plane"] = there.plane
    if scope == SLICE:
        return {**view, "slice": there.index}, _("{0} slice {1}").format(there.plane, there.index)
    first, last = sliceRange
    if not 0 <= first <= last < there.count:
        raise Problem(
            "bad_range",
            _("Slices {0} to {1} are not within 0 to {2}, first before last; change them.").format(
                first, last, there.count - 1
            ),
        )
    words = _("{0} slices {1} to {2}").format(there.plane, first, last)
    return {**view, "mode": "volume", "slice_range": [first, last]}, words


def jumpTo(volumeNode: slicer.vtkMRMLVolumeNode, ijk: Sequence[float]) -> tuple[float, float, float]:
    """Let every slice view show a place of the volume; pan only those that would not.

    Returns:
        The place in world RAS millimetres.
    """
    right, anterior, superior = (float(value) for value in (ijkToWorld(volumeNode) @ (*ijk, 1.0))[:3])
    for sliceNode in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        sliceNode.JumpSliceByOffsetting(right, anterior, superior)
        rasToXY = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(sliceNode.GetXYToRAS(), rasToXY)
        x, y = rasToXY.MultiplyPoint((right, anterior, superior, 1.0))[:2]
        width, height = sliceNode.GetDimensions()[:2]
        if not (0 <= x < width and 0 <= y < height):
            sliceNode.JumpSliceByCentering(right, anterior, superior)
    return right, anterior, superior


def align(volumeNode: slicer.vtkMRMLVolumeNode, sliceNode: slicer.vtkMRMLSliceNode) -> None:
    """Turn a view into the nearest plane of the volume's voxels, and snap it to a slice."""
    sliceNode.RotateToVolumePlane(volumeNode)
    logic = slicer.app.applicationLogic().GetSliceLogic(sliceNode)
    if logic is not None:
        logic.SnapSliceOffsetToIJK()
