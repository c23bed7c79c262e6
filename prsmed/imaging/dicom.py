"""DICOM: a folder with one series, or one file with one or many frames.

Error codes of this module, besides those of :mod:`prsmed.imaging.dicom_stack` and
:mod:`prsmed.imaging.dicom_pixels`: ``not_an_image``, ``dicom_no_images``, ``dicom_several_series``,
``dicom_no_position``, ``unreadable_image``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from prsmed.errors import PRSMedError
from prsmed.imaging.dicom_header import (
    flat_affine,
    frame_place,
    frame_rescale,
    has_magic,
    identifiers,
    is_enhanced,
    is_image,
    slice_step,
    window_source,
)
from prsmed.imaging.dicom_pixels import decode_frames, is_color, read_window, rescale
from prsmed.imaging.dicom_stack import FramePlace, stack_affine, stack_order
from prsmed.imaging.volume import Volume


def _odd_headers_told(read: Callable[[Path], Volume]) -> Callable[[Path], Volume]:
    """pydicom converts a value when it is looked at: an odd one may fail anywhere, and in many ways."""

    @functools.wraps(read)
    def told(path: Path) -> Volume:
        try:
            return read(path)
        except PRSMedError:
            raise
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise PRSMedError(
                "unreadable_image",
                f"the DICOM header of {path.name} holds a value of the wrong kind or number; export it again",
            ) from error

    return told


@_odd_headers_told
def read_dicom_folder(folder: Path) -> Volume:
    """Read the one image series of a folder; files that are not DICOM images are passed over.

    Raises:
        PRSMedError: See the module.
    """
    headers = _image_headers(folder)
    if not headers:
        raise PRSMedError("dicom_no_images", f"{folder.name} holds no DICOM images; give the folder of one series")
    series = {str(header.get("SeriesInstanceUID", "")) for header in headers.values()}
    if len(series) > 1:
        raise PRSMedError(
            "dicom_several_series", f"{folder.name} holds {len(series)} image series; give a folder with one"
        )
    if len(headers) == 1:
        return read_dicom_file(next(iter(headers)))
    return _read_series(headers)


@_odd_headers_told
def read_dicom_file(path: Path) -> Volume:
    """Read one DICOM file: a slice, a radiograph, a photograph, an enhanced volume, a stack of frames.

    Raises:
        PRSMedError: See the module.
    """
    dataset = _read(path)
    if not is_image(dataset):
        kind = dataset.get("Modality") or "unknown kind"
        raise PRSMedError(
            "not_an_image", f"{path.name} is a DICOM object without an image ({kind}); give the image series"
        )
    stored = decode_frames(dataset, path.name)
    if is_enhanced(dataset):
        return _read_enhanced(dataset, stored)
    place = frame_place(dataset) if len(stored) == 1 else None
    slope, intercept = frame_rescale(dataset)
    if place is None:
        affine, has_patient_space = flat_affine(dataset)
    else:
        stack_order([place])
        affine, has_patient_space = stack_affine([place], slice_step(dataset)), True
    return Volume(
        _to_voxels(rescale(stored, dataset, slope, intercept)),
        affine,
        modality=str(dataset.get("Modality", "")),
        window=read_window(dataset, dataset, slope, intercept),
        has_patient_space=has_patient_space,
        identifiers=identifiers(dataset),
    )


def _read(path: Path, stop_before_pixels: bool = False) -> Dataset:
    try:
        return pydicom.dcmread(path, stop_before_pixels=stop_before_pixels)
    except Exception as error:  # pydicom raises many kinds for damaged files
        raise PRSMedError(
            "unreadable_image", f"{path.name} is not a complete DICOM file; copy or export it again"
        ) from error


def _image_headers(folder: Path) -> dict[Path, Dataset]:
    headers = {}
    for path in sorted(folder.iterdir()):
        if not path.is_file() or not has_magic(path):
            continue
        header = _read(path, stop_before_pixels=True)
        if is_image(header):
            headers[path] = header
    return headers


def _read_series(headers: dict[Path, Dataset]) -> Volume:
    paths = list(headers)
    places = [frame_place(header) for header in headers.values()]
    known = [place for place in places if place is not None]
    if len(known) < len(places):
        raise PRSMedError(
            "dicom_no_position",
            f"{len(places) - len(known)} of the {len(places)} images have no position in the patient; "
            "ask about one file instead of the folder",
        )
    order = stack_order(known)
    slices = []
    for index in order:
        dataset = _read(paths[index])
        stored = decode_frames(dataset, paths[index].name)[0]
        slices.append(rescale(stored, dataset, *frame_rescale(dataset)))
    middle = headers[paths[order[len(order) // 2]]]
    ordered = [known[index] for index in order]
    return _stacked(np.stack(slices), ordered, middle, None)


def _read_enhanced(dataset: Dataset, stored: NDArray[np.generic]) -> Volume:
    places = [frame_place(dataset, frame) for frame in range(len(stored))]
    known = [place for place in places if place is not None]
    if len(known) < len(places):
        raise PRSMedError(
            "dicom_no_position", "frames of the enhanced image have no position; export it as single slices"
        )
    order = stack_order(known)
    frames = [rescale(stored[frame], dataset, *frame_rescale(dataset, frame)) for frame in order]
    return _stacked(np.stack(frames), [known[frame] for frame in order], dataset, order[len(order) // 2])


def _stacked(
    frames: NDArray[np.generic], ordered: list[FramePlace], header: Dataset, window_frame: int | None
) -> Volume:
    """A volume of frames in order; its window is that of its middle frame."""
    window = read_window(header, window_source(header, window_frame), *frame_rescale(header, window_frame))
    return Volume(
        _to_voxels(frames),
        stack_affine(ordered, slice_step(header)),
        modality=str(header.get("Modality", "")),
        window=None if is_color(header) else window,
        identifiers=identifiers(header),
    )


def _to_voxels(frames: NDArray[np.generic]) -> NDArray[np.generic]:
    """``(frames, rows, cols[, 3])`` to ``(I, J, K[, 3])``, in 16 bits where they are enough."""
    voxels = frames.transpose((2, 1, 0) if frames.ndim == 3 else (2, 1, 0, 3))
    if voxels.dtype == np.int32 and voxels.min() >= -(2**15) and voxels.max() < 2**15:
        return voxels.astype(np.int16)
    return voxels
