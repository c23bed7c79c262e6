"""Variation of an image and its mask; what is said about them is written anew from the mask, never edited."""

from prsmed.data.augment.geometry import crop_empty, flip, off_center, zoom
from prsmed.data.augment.intensity import compress, device_noise, recolor
from prsmed.data.augment.rotation import rotate, rotate_slice, small_angle
from prsmed.data.augment.view import change_tones, change_view, mirror

__all__ = [
    "change_tones",
    "change_view",
    "compress",
    "crop_empty",
    "device_noise",
    "flip",
    "mirror",
    "off_center",
    "recolor",
    "rotate",
    "rotate_slice",
    "small_angle",
    "zoom",
]
