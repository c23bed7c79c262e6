"""What a client asks: the `params` of `POST /infer/prsmed`, read and checked.

Stock clients send every option as text, and an untouched one as ``""`` (the Options table of MONAI Label's
Slicer module). So blank means "not given", ``"42"`` is a slice, ``"30, 60"`` a slice range and ``"40, 400"``
a window. Keys that are not ours are left to MONAI Label.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from prsmed.errors import PRSMedError
from prsmed.imaging import PLANES, Plane
from prsmed.inference import check_question

Mode = Literal["slice", "volume"]
MODES: tuple[Mode, ...] = get_args(Mode)
EXTENSIONS = (".nii.gz", ".nii", ".nrrd", ".png")
_CONVERSATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SHOWN = 60


@dataclass(frozen=True)
class AskRequest:
    """One question, with where to look.

    Attributes:
        prompt: The question.
        mode: One slice, or every slice of the volume.
        plane: Anatomical plane; ``None`` for the image's own.
        slice: Slice index in ``mode`` ``"slice"``; ``None`` for the middle one.
        slice_range: First and last slice (inclusive) in ``mode`` ``"volume"``; ``None`` for all.
        window: ``(center, width)`` or a preset's name; ``None`` for the image's own.
        conversation: Id of the conversation the question belongs to.
        result_extension: One of :data:`EXTENSIONS`; ``None`` for the image's usual one.
    """

    prompt: str
    mode: Mode
    plane: Plane | None
    slice: int | None
    slice_range: tuple[int, int] | None
    window: tuple[float, float] | str | None
    conversation: str | None
    result_extension: str | None

    @classmethod
    def parse(cls, params: Mapping[str, Any]) -> AskRequest:
        """Read the params of a request.

        Whether slices and window fit the image is `prsmed.imaging`'s to say, later.

        Raises:
            PRSMedError: ``bad_prompt`` and the codes of ``check_question``; ``unknown_mode``;
                ``unknown_plane``; ``bad_slice``; ``bad_slice_range``; ``bad_window``; ``bad_conversation``;
                ``bad_result_extension``.
        """
        given = {key: value for key, value in params.items() if not _is_blank(value)}
        request = cls(
            prompt=_prompt(given.get("prompt", "")),
            mode=_mode(given.get("mode", "slice")),
            plane=_plane(given.get("plane")),
            slice=_slice(given.get("slice")),
            slice_range=_slice_range(given.get("slice_range")),
            window=_window(given.get("window")),
            conversation=_conversation(given.get("conversation")),
            result_extension=_result_extension(given.get("result_extension")),
        )
        request._check_slices_fit_mode()
        return request

    def _check_slices_fit_mode(self) -> None:
        if self.mode == "slice" and self.slice_range is not None:
            raise PRSMedError(
                "bad_slice_range",
                "slice_range goes with mode 'volume'; set that mode, or give 'slice' instead",
            )
        if self.mode == "volume" and self.slice is not None:
            raise PRSMedError(
                "bad_slice", f"slice {self.slice} goes with mode 'slice'; set that mode, or leave slice out"
            )


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _prompt(value: Any) -> str:
    if not isinstance(value, str):
        raise PRSMedError("bad_prompt", f"prompt {_show(value)} is not text; write the question as a string")
    return check_question(value)


def _mode(value: Any) -> Mode:
    for mode in MODES:
        if value == mode:
            return mode
    raise PRSMedError("unknown_mode", f"mode {_show(value)} is unknown; choose one of {', '.join(MODES)}")


def _plane(value: Any) -> Plane | None:
    if value is None:
        return None
    for plane in PLANES:
        if value == plane:
            return plane
    raise PRSMedError("unknown_plane", f"plane {_show(value)} is unknown; choose one of {', '.join(PLANES)}")


def _slice(value: Any) -> int | None:
    if value is None:
        return None
    index = _whole(value)
    if index is None:
        raise PRSMedError("bad_slice", f"slice {_show(value)} is not a whole number; give a slice index from 0")
    return index


def _slice_range(value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    ends = [_whole(end) for end in _pair(value)]
    if len(ends) != 2 or ends[0] is None or ends[1] is None or ends[0] > ends[1]:
        raise PRSMedError(
            "bad_slice_range",
            f"slice_range {_show(value)} is not first and last slice; give two whole numbers, as [30, 60]",
        )
    return ends[0], ends[1]


def _window(value: Any) -> tuple[float, float] | str | None:
    if value is None:
        return None
    numbers = [_number(part) for part in _pair(value)]
    if len(numbers) == 2 and numbers[0] is not None and numbers[1] is not None:
        return numbers[0], numbers[1]
    if isinstance(value, str) and not any(character.isdigit() for character in value):
        return value.strip()
    raise PRSMedError(
        "bad_window",
        f"window {_show(value)} is not centre and width; give two numbers such as [40, 400], or a name",
    )


def _conversation(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not _CONVERSATION.fullmatch(value):
        raise PRSMedError(
            "bad_conversation",
            f"conversation {_show(value)} is not an id; use up to 128 letters, digits, '.', '_' or '-'",
        )
    return value


def _result_extension(value: Any) -> str | None:
    if value is None:
        return None
    for extension in EXTENSIONS:
        if value == extension:
            return extension
    raise PRSMedError(
        "bad_result_extension",
        f"result_extension {_show(value)} cannot be written; choose one of {', '.join(EXTENSIONS)}",
    )


def _pair(value: Any) -> list[Any]:
    """The parts of ``[a, b]`` or of its text ``"a, b"`` or ``"[a, b]"``."""
    if isinstance(value, str):
        return value.strip().removeprefix("[").removesuffix("]").split(",")
    return list(value) if isinstance(value, list | tuple) else []


def _whole(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number == int(number) else None


def _number(value: Any) -> float | None:
    """A finite number, or text that is one; never a bool."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < float("inf") else None


def _show(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
