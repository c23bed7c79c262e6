"""One question made ready: its image, its place in it, and how the model's mask comes back onto it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monailabel_app.request import AskRequest
from prsmed.errors import PRSMedError
from prsmed.imaging import (
    ImageSlice,
    Plane,
    Volume,
    extract,
    native_plane,
    place,
    resolve_window,
    slice_count,
    write_labelmap,
)
from prsmed.inference import Engine, Event


@dataclass(frozen=True)
class Question:
    """What was asked of which slices of which image.

    Attributes:
        asked: As the client sent it.
        volume: The image.
        plane: Plane of the slices.
        slices: First and last slice, both included; the same one in mode ``"slice"``.
        extension: Ending of the mask file.
        history: Earlier turns of the conversation.
    """

    asked: AskRequest
    volume: Volume
    plane: Plane
    slices: tuple[int, int]
    extension: str
    history: Sequence[tuple[str, str]] = ()

    @classmethod
    def prepare(cls, asked: AskRequest, volume: Volume, history: Sequence[tuple[str, str]] = ()) -> Question:
        """Fit a request to its image.

        Raises:
            PRSMedError: ``bad_result_extension``, ``slice_out_of_range``, ``plane_not_available``, ``bad_window``.
        """
        plane = asked.plane or native_plane(volume)
        count = slice_count(volume, plane)
        if asked.mode == "volume":
            slices = asked.slice_range or (0, count - 1)
        else:
            index = count // 2 if asked.slice is None else asked.slice
            slices = index, index
        question = cls(asked, volume, plane, slices, _extension(volume, asked), history)
        # What cannot be shown is refused now, not when it is its turn.
        _ = question.view
        return question

    @cached_property
    def image_slice(self) -> ImageSlice:
        """The slice of mode ``"slice"``."""
        return extract(self.volume, self.plane, self.slices[0])

    @cached_property
    def view(self) -> dict[str, Any]:
        """What was looked at, for the answer."""
        if self.asked.mode == "volume":
            return {"mode": "volume", "plane": self.plane, "slice_range": list(self.slices)}
        window = resolve_window(self.image_slice, self.asked.window)
        return {"mode": "slice", "plane": self.plane, "slice": self.slices[0], "window": window}

    def ask(self, engine: Engine) -> Iterator[Event]:
        """The engine's events."""
        asked = self.asked
        if asked.mode == "slice":
            return engine.stream(self.image_slice, asked.prompt, window=asked.window, history=self.history)
        return engine.stream_volume(
            self.volume, asked.prompt, plane=self.plane, slice_range=self.slices, window=asked.window
        )

    def mask_file(self, mask: NDArray[np.uint8], folder: Path) -> Path:
        """Write an engine's mask, on the image's own grid, into a new file of ``folder``."""
        if self.asked.mode == "slice":
            on_grid = np.zeros(self.volume.shape, dtype=np.uint8)
            place(mask, self.image_slice, on_grid)
            mask = on_grid
        with tempfile.NamedTemporaryFile(
            dir=folder, prefix="prsmed-mask-", suffix=self.extension, delete=False
        ) as file:
            path = Path(file.name)
        try:
            write_labelmap(mask, self.volume, path)
        except BaseException:
            path.unlink()
            raise
        return path


def _extension(volume: Volume, asked: AskRequest) -> str:
    """How the mask is written: as asked; else PNG for a picture and NIfTI for all else."""
    slices = volume.shape[2]
    if asked.result_extension == ".png" and slices != 1:
        raise PRSMedError(
            "bad_result_extension",
            f"a .png holds one slice and the image has {slices}; choose .nii.gz or .nrrd",
        )
    is_picture = not volume.has_patient_space and slices == 1
    return asked.result_extension or (".png" if is_picture else ".nii.gz")
