"""Files in, slices out, masks back: volumes, planes, windows, export, overlays, phantoms."""

from prsmed.imaging.plane import PLANES as PLANES
from prsmed.imaging.plane import ImageSlice as ImageSlice
from prsmed.imaging.plane import Plane as Plane
from prsmed.imaging.plane import extract as extract
from prsmed.imaging.plane import native_plane as native_plane
from prsmed.imaging.plane import place as place
from prsmed.imaging.plane import slice_count as slice_count
from prsmed.imaging.plane import slice_voxel as slice_voxel
from prsmed.imaging.square import SquareFit as SquareFit
from prsmed.imaging.square import from_square as from_square
from prsmed.imaging.square import to_square as to_square
from prsmed.imaging.volume import Volume as Volume
from prsmed.imaging.window import to_display as to_display
