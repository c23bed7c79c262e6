"""Files in, slices out, masks back: volumes, planes, windows, export, overlays, phantoms."""

from prsmed.imaging.demo import demo_phantoms, write_demo_studies
from prsmed.imaging.export import write_labelmap
from prsmed.imaging.labelmap import check_label_grid, label_values
from prsmed.imaging.overlay import draw_overlay, draw_slice, side_letters
from prsmed.imaging.phantom import PHANTOM_KINDS, PhantomKind, make_phantom, phantom_slice
from prsmed.imaging.plane import (
    PLANES,
    ImageSlice,
    Plane,
    extract,
    native_plane,
    place,
    slice_count,
    slice_voxel,
    take,
)
from prsmed.imaging.reader import read_volume
from prsmed.imaging.square import SquareFit, from_square, to_square
from prsmed.imaging.volume import Volume
from prsmed.imaging.window import PRESETS, Window, resolve_window, to_display

__all__ = [
    "PHANTOM_KINDS",
    "PLANES",
    "PRESETS",
    "ImageSlice",
    "PhantomKind",
    "Plane",
    "SquareFit",
    "Volume",
    "Window",
    "check_label_grid",
    "demo_phantoms",
    "draw_overlay",
    "draw_slice",
    "extract",
    "from_square",
    "label_values",
    "make_phantom",
    "native_plane",
    "phantom_slice",
    "place",
    "read_volume",
    "resolve_window",
    "side_letters",
    "slice_count",
    "slice_voxel",
    "take",
    "to_display",
    "to_square",
    "write_demo_studies",
    "write_labelmap",
]
