"""The answer as a picture: the slice, the outlined mask, the patient's sides, the words below."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import binary_erosion

from prsmed.imaging.plane import ImageSlice, Plane, extract, take
from prsmed.imaging.volume import Volume
from prsmed.imaging.window import Window, to_display

# Colours of labels 1, 2, ...; later labels begin again. Told apart by people who cannot tell red from green.
_COLORS = ((12, 190, 255), (255, 194, 10), (240, 90, 200), (120, 220, 90), (255, 110, 60))
_LONG_SIDE = 640
_FILL = 0.22
_LINE_PX = 2
_MARGIN = 10
_LETTERS = (("R", "L"), ("A", "P"), ("S", "I"))

Sides = tuple[str, str, str, str]


def side_letters(image_slice: ImageSlice) -> Sides | None:
    """Letters ``(left, right, top, bottom)`` of the picture's edges, from R, L, A, P, S, I.

    On an oblique slice each is the nearest direction. ``None`` without patient space.
    """
    if not image_slice.has_patient_space:
        return None
    down, right = image_slice.affine[:3, 0], image_slice.affine[:3, 1]
    return _letter(-right), _letter(right), _letter(-down), _letter(down)


def draw_slice(
    volume: Volume,
    mask: NDArray[np.generic],
    plane: Plane,
    index: int,
    *,
    window: Window | str | None = None,
    text: str | None = None,
) -> Image.Image:
    """Draw one slice of a volume with its mask ``(I, J, K)``: :func:`draw_overlay` with all that goes with it."""
    image_slice = extract(volume, plane, index)
    return draw_overlay(
        to_display(image_slice, window),
        take(mask, image_slice),
        spacing=image_slice.spacing,
        sides=side_letters(image_slice),
        text=text,
    )


def draw_overlay(
    display: NDArray[np.uint8],
    mask: NDArray[np.generic],
    *,
    spacing: tuple[float, float],
    sides: Sides | None = None,
    text: str | None = None,
) -> Image.Image:
    """Draw a mask over a slice: outline and light fill, letters at the edges, a caption below.

    Args:
        display: ``(rows, cols, 3)`` uint8 as from :func:`~prsmed.imaging.window.to_display`.
        mask: ``(rows, cols)`` labels, 0 outside.
        spacing: ``(row_mm, col_mm)``; the picture has the proportions of the patient.
        sides: What :func:`side_letters` says.
        text: Caption, e.g. question and answer on a line each; wrapped.

    Returns:
        RGB picture, at least 640 pixels on the slice's longer side.
    """
    width, height = _size(display.shape[0], display.shape[1], spacing)
    picture = Image.fromarray(np.ascontiguousarray(display)).resize((width, height), Image.Resampling.BICUBIC)
    picture = Image.fromarray(_paint_labels(np.array(picture), mask))
    if sides is not None:
        _draw_sides(picture, sides)
    return _with_caption(picture, text) if text else picture


def _letter(direction: NDArray[np.float64]) -> str:
    axis = int(np.abs(direction).argmax())
    return _LETTERS[axis][0 if direction[axis] > 0 else 1]


def _size(rows: int, cols: int, spacing: tuple[float, float]) -> tuple[int, int]:
    """Pixels ``(width, height)`` in the patient's proportions; at least those of the slice itself."""
    height_mm, width_mm = rows * spacing[0], cols * spacing[1]
    scale = max(_LONG_SIDE, rows, cols) / max(height_mm, width_mm)
    return max(1, round(width_mm * scale)), max(1, round(height_mm * scale))


def _paint_labels(pixels: NDArray[np.uint8], mask: NDArray[np.generic]) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    painted = pixels.astype(np.float32)
    for label in (int(value) for value in np.unique(mask) if value):
        region = Image.fromarray((mask == label).astype(np.float32))
        inside = np.asarray(region.resize((width, height), Image.Resampling.BILINEAR)) > 0.5
        line = inside & ~binary_erosion(inside, iterations=_LINE_PX)
        color = np.array(_COLORS[(label - 1) % len(_COLORS)], dtype=np.float32)
        painted[inside] += _FILL * (color - painted[inside])
        painted[line] = color
    return np.rint(painted).astype(np.uint8)


def _draw_sides(picture: Image.Image, sides: Sides) -> None:
    width, height = picture.size
    font = _font(max(16, min(width, height) // 24))
    places = (
        (_MARGIN, height / 2, "lm"),
        (width - _MARGIN, height / 2, "rm"),
        (width / 2, _MARGIN, "ma"),
        (width / 2, height - _MARGIN, "md"),
    )
    draw = ImageDraw.Draw(picture)
    for letter, (x, y, anchor) in zip(sides, places, strict=True):
        draw.text(
            (x, y),
            letter,
            font=font,
            anchor=anchor,
            fill=(255, 255, 255),
            stroke_width=2,
            stroke_fill=(0, 0, 0),
        )


def _with_caption(picture: Image.Image, text: str) -> Image.Image:
    width = max(picture.width, _LONG_SIDE)
    font = _font(20)
    lines = [line for part in text.splitlines() for line in _wrap(part, font, width - 2 * _MARGIN)]
    line_height = 28
    page = Image.new("RGB", (width, picture.height + len(lines) * line_height + 2 * _MARGIN), (20, 20, 20))
    page.paste(picture, ((width - picture.width) // 2, 0))
    draw = ImageDraw.Draw(page)
    for index, line in enumerate(lines):
        y = picture.height + _MARGIN + index * line_height
        draw.text((_MARGIN, y), line, font=font, fill=(235, 235, 235))
    return page


def _wrap(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and font.getlength(longer) > width:
            lines.append(line)
            longer = word
        while font.getlength(longer) > width and len(longer) > 1:
            fitting = next(n for n in range(len(longer) - 1, 0, -1) if n == 1 or font.getlength(longer[:n]) <= width)
            lines.append(longer[:fitting])
            longer = longer[fitting:]
        line = longer
    return [*lines, line] if line else lines


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib and knows more than Latin letters."""
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size)
