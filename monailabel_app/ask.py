"""The ask task: MONAI Label's `POST /infer/prsmed`, from params to a mask file and the JSON beside it."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np
from monailabel.interfaces.tasks.infer_v2 import InferTask, InferType
from numpy.typing import NDArray

from monailabel_app.request import AskRequest
from monailabel_app.studies import VolumeCache
from prsmed.errors import PRSMedError
from prsmed.imaging import Volume, extract, native_plane, place, resolve_window, slice_count, write_labelmap
from prsmed.inference import Answer, Engine

# What stock clients show as options (in MONAI Label's Slicer module a list is a choice, "" a text cell).
# The API's own defaults are those of AskRequest.
OPTIONS: dict[str, Any] = {
    "prompt": "Where is the lesion?",
    "mode": ["slice", "volume"],
    "plane": ["", "axial", "coronal", "sagittal"],
    "slice": "",
    "slice_range": "",
    "window": "",
}


class AskTask(InferTask):  # type: ignore[misc]
    """Answers a question about an image with a mask on the image's own grid and words.

    Its type is ``segmentation`` so that every stock client lists it.

    Args:
        engine: The model; asked one question at a time.
        volumes: Reads and keeps images.
    """

    def __init__(self, engine: Engine, volumes: VolumeCache) -> None:
        super().__init__(
            type=InferType.SEGMENTATION,
            labels=["lesion"],
            dimension=3,
            description="Ask in words; get a mask, an answer, and whether the two agree. Research use only.",
            config=OPTIONS,
        )
        self._engine = engine
        self._volumes = volumes
        self._engine_lock = threading.Lock()

    def is_valid(self) -> bool:
        """Always: weights are read on first use."""
        return True

    def __call__(self, request: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
        """Answer one request.

        Args:
            request: The params of the Ask contract, and ``image``: the path of a file or DICOM series folder.
                ``output`` ``"image"``: the client takes nothing but a file (OHIF), so an empty mask is one too.

        Returns:
            Path of a temporary mask file for the caller to delete, ``None`` when the mask is empty; the JSON.

        Raises:
            PRSMedError: For anything wrong with the request or the image; nothing is written.
        """
        asked = AskRequest.parse(request)
        volume = self._volumes.read(Path(request["image"]))
        extension = _extension(volume, asked)
        answer, mask, view = self._in_volume(volume, asked) if asked.mode == "volume" else self._on_slice(volume, asked)
        is_file_needed = mask.any() or request.get("output") == "image"
        file = _mask_file(mask, volume, extension) if is_file_needed else None
        return file, {**answer.to_json(), "conversation": asked.conversation, "view": view}

    def _on_slice(self, volume: Volume, asked: AskRequest) -> tuple[Answer, NDArray[np.uint8], dict[str, Any]]:
        plane = asked.plane or native_plane(volume)
        index = slice_count(volume, plane) // 2 if asked.slice is None else asked.slice
        image_slice = extract(volume, plane, index)
        with self._engine_lock:
            answer = self._engine.ask(image_slice, asked.prompt, window=asked.window)
        mask = np.zeros(volume.shape, dtype=np.uint8)
        place(answer.mask, image_slice, mask)
        window = resolve_window(image_slice, asked.window)
        return answer, mask, {"mode": "slice", "plane": plane, "slice": index, "window": window}

    def _in_volume(self, volume: Volume, asked: AskRequest) -> tuple[Answer, NDArray[np.uint8], dict[str, Any]]:
        plane = asked.plane or native_plane(volume)
        first, last = asked.slice_range or (0, slice_count(volume, plane) - 1)
        with self._engine_lock:
            answer = self._engine.ask_volume(
                volume, asked.prompt, plane=plane, slice_range=(first, last), window=asked.window
            )
        return answer, answer.mask, {"mode": "volume", "plane": plane, "slice_range": [first, last]}


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


def _mask_file(mask: NDArray[np.uint8], volume: Volume, extension: str) -> str:
    with tempfile.NamedTemporaryFile(prefix="prsmed-mask-", suffix=extension, delete=False) as file:
        path = Path(file.name)
    try:
        write_labelmap(mask, volume, path)
    except BaseException:
        path.unlink()
        raise
    return str(path)
