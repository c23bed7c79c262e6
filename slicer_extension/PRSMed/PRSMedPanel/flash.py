"""Segments that light up for a moment, to be found."""

from __future__ import annotations

import qt
import slicer

_INTERVAL_MS, _TIMES = 160, 6
_BRIGHT, _FAINT = 1.0, 0.05


class Flash:
    """Changes the opacity of segments to and fro, and leaves it as it was."""

    def __init__(self) -> None:
        self._timer = qt.QTimer()
        self._timer.setInterval(_INTERVAL_MS)
        self._timer.connect("timeout()", self._next)
        self._nodeId, self._before, self._left = "", {}, 0

    def begin(self, segmentationNode: slicer.vtkMRMLSegmentationNode, segmentIds: list[str]) -> None:
        """Flash some segments; those that still flash stop."""
        self.end()
        display = segmentationNode.GetDisplayNode()
        if display is None or not segmentIds:
            return
        self._nodeId = display.GetID()
        self._before = {each: display.GetSegmentOpacity2DFill(each) for each in segmentIds}
        self._left = _TIMES
        self._timer.start()

    def end(self) -> None:
        """Put everything back."""
        self._timer.stop()
        self._set(self._before)
        self._before = {}

    def _next(self) -> None:
        self._left -= 1
        if self._left <= 0:
            self.end()
        else:
            self._set(dict.fromkeys(self._before, _BRIGHT if self._left % 2 else _FAINT))

    def _set(self, opacities: dict[str, float]) -> None:
        # Found again each time: the node may have been deleted.
        display = slicer.mrmlScene.GetNodeByID(self._nodeId) if self._nodeId else None
        if display is not None:
            for segmentId, opacity in opacities.items():
                display.SetSegmentOpacity2DFill(segmentId, opacity)
