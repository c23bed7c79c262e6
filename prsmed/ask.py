"""`prsmed ask`: a file and a question in, an answer, a mask file and a picture out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prsmed.errors import PRSMedError
from prsmed.imaging import (
    Plane,
    Volume,
    Window,
    draw_slice,
    extract,
    native_plane,
    place,
    read_volume,
    write_labelmap,
)
from prsmed.inference import Engine

_MASK_ENDINGS = (".nii", ".nii.gz", ".nrrd", ".png")


def parse_window(text: str | None) -> Window | str | None:
    """A window as typed: ``"40,400"`` or a name.

    Raises:
        PRSMedError: ``bad_window`` for something with a comma that is not two numbers.
    """
    if text is None or "," not in text:
        return text
    try:
        center, width = (float(part) for part in text.split(","))
    except ValueError as error:
        raise PRSMedError(
            "bad_window", f"window {text!r} is not 'center,width'; give two numbers, e.g. 40,400"
        ) from error
    return center, width


def ask_file(
    image: Path,
    question: str,
    *,
    model: str = "nano",
    plane: str | None = None,
    index: int | None = None,
    window: Window | str | None = None,
    mask_file: Path | None = None,
    picture_file: Path | None = None,
    device: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Ask one image one question.

    Args:
        image: What :func:`prsmed.imaging.read_volume` reads.
        question: In words.
        model: Shipped weights by name, or a checkpoint folder.
        plane: The plane of acquisition when ``None``.
        index: Slice on that plane; the whole volume when ``None`` and there are several.
        window: How to show the image to the model.
        mask_file: Where the mask goes, on the image's own grid; also when it is empty.
        picture_file: Where the picture goes.
        device: Torch device.
        progress: Called with slices done and slices in all.

    Returns:
        The JSON of the Ask contract, with ``view`` telling plane and slice of the picture.

    Raises:
        PRSMedError: For anything the user can put right; nothing is written then.
    """
    if mask_file is not None and not mask_file.name.lower().endswith(_MASK_ENDINGS):
        raise PRSMedError("bad_extension", f"{mask_file.name} is no mask file; end it in {', '.join(_MASK_ENDINGS)}")
    engine = Engine.load(model, device=device)
    volume = read_volume(image)
    asked, mask = ask_volume(engine, volume, question, plane=plane, index=index, window=window, progress=progress)
    if mask_file is not None:
        write_labelmap(mask, volume, mask_file)
    if picture_file is not None:
        view, caption = asked["view"], f"{question}\n{asked['answer']}"
        draw_slice(volume, mask, view["plane"], view["slice"], window=window, text=caption).save(picture_file)
    return asked


def ask_volume(
    engine: Engine,
    volume: Volume,
    question: str,
    *,
    plane: str | None = None,
    index: int | None = None,
    window: Window | str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[dict[str, Any], NDArray[np.uint8]]:
    """Ask an image that is read already; arguments and answer as of :func:`ask_file`, with the mask ``(I, J, K)``."""
    chosen: Plane = native_plane(volume) if plane is None else plane  # type: ignore[assignment]
    normal = extract(volume, chosen, 0).axes[2]
    if index is None and volume.shape[normal] > 1:
        answer = engine.ask_volume(volume, question, plane=chosen, window=window, progress=progress)
        mask = answer.mask
        areas = mask.sum(axis=tuple(axis for axis in range(3) if axis != normal))
        index = int(areas.argmax()) if areas.any() else volume.shape[normal] // 2
    else:
        image_slice = extract(volume, chosen, index or 0)
        answer = engine.ask(image_slice, question, window=window)
        mask = np.zeros(volume.shape, np.uint8)
        place(answer.mask, image_slice, mask)
    return {**answer.to_json(), "view": {"plane": chosen, "slice": index or 0}}, mask
