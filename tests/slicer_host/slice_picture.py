"""A picture of a slice view, drawn by the core's own displayable managers, off screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

MANAGER = "vtkMRMLSegmentationsDisplayableManager2D"


def draw(logic: Any, width: int, height: int, path: Path | str | None = None) -> Any:
    """Pixels of this slice logic's view, uint8 `[height, width, 3]`, row 0 at the top; also as PNG to `path`."""
    logic.ResizeSliceNode(width, height)
    mapper, actor = vtk.vtkImageMapper(), vtk.vtkActor2D()
    mapper.SetColorWindow(255)
    mapper.SetColorLevel(127.5)
    mapper.SetInputConnection(logic.GetImageDataConnection())
    actor.SetMapper(mapper)
    renderer, window = vtk.vtkRenderer(), vtk.vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetSize(width, height)
    window.AddRenderer(renderer)
    interactor = vtk.vtkGenericRenderWindowInteractor()  # the manager listens to it, though nobody moves a mouse
    interactor.SetRenderWindow(window)
    renderer.AddViewProp(actor)  # first, or the overlays are blended on black
    factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
    factory.SetMRMLApplicationLogic(slicer.app.applicationLogic())
    if not factory.IsDisplayableManagerRegistered(MANAGER):
        factory.RegisterDisplayableManager(MANAGER)
    group = slicer.vtkMRMLDisplayableManagerGroup()
    group.SetRenderer(renderer)
    group.Initialize(factory, renderer)
    group.SetMRMLDisplayableNode(logic.GetSliceNode())
    try:
        window.Render()
        return _pixels(window, path)
    finally:
        group.SetMRMLDisplayableNode(None)
        window.Finalize()


def _pixels(window: Any, path: Path | str | None) -> Any:
    grab = vtk.vtkWindowToImageFilter()
    grab.SetInput(window)
    grab.ReadFrontBufferOff()
    grab.Update()
    image = grab.GetOutput()
    columns, rows, _ = image.GetDimensions()
    if path is not None:
        writer = vtk.vtkPNGWriter()
        writer.SetFileName(str(path))
        writer.SetInputData(image)
        writer.Write()
    return np.flipud(vtk_to_numpy(image.GetPointData().GetScalars()).reshape(rows, columns, -1)).copy()
