"""Tones changed, places kept: brightness, blur, the noise that each kind of device makes, JPEG blocks."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy import ndimage

from prsmed.data.pictures import Pixels

_CT_GRAIN, _SPECKLE_GRAIN = 0.7, 1.0  # blur of the noise in pixels: reconstruction and beam width correlate neighbours
_QUALITIES = (30, 80)

_Floats = NDArray[np.float32]


def recolor(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Vary brightness, contrast and gamma; sometimes blur a little or add grey noise.

    Args:
        image: ``(rows, cols, 3)`` uint8.
        rng: Where every choice is drawn from.
    """
    levels = np.linspace(0.0, 1.0, 256) ** np.exp(rng.uniform(-0.3, 0.3))
    levels = (levels - 0.5) * rng.uniform(0.8, 1.2) + 0.5 + rng.uniform(-0.1, 0.1)
    image = (np.clip(levels, 0.0, 1.0) * 255).astype(np.uint8)[image]
    if rng.random() < 0.15:
        blurred = Image.fromarray(image).filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.0)))
        image = np.asarray(blurred)
    if rng.random() < 0.3:
        noise = rng.normal(0.0, rng.uniform(1.0, 8.0), size=image.shape[:2])[..., None]
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    return image


def device_noise(image: Pixels, modality: str, rng: np.random.Generator) -> Pixels:
    """Add the noise of the device that made the image.

    Rician for MR (the magnitude of two noisy channels, so dark parts become brighter), photon noise for CT and
    radiographs (dense, bright parts let fewer photons through and are noisier; CT's is grainy), speckle for
    ultrasound (grows with the echo). Photographs are returned as they are.

    Args:
        image: ``(rows, cols)`` or ``(rows, cols, 3)`` uint8.
        modality: Name as in :attr:`~prsmed.data.record.Record.modality`; its last word decides, e.g. ``"brain_mri"``.
        rng: Where strength and noise are drawn from.

    Returns:
        The same shape; the channels of a grey picture stay equal.
    """
    noise = _NOISES.get(modality.rsplit("_", 1)[-1])
    if noise is None:
        return image
    add, weakest, strongest = noise
    strength = rng.uniform(weakest, strongest)
    channels = () if image.ndim == 2 else (1,)
    draws = rng.standard_normal((2, *image.shape[:2], *channels), dtype=np.float32)
    noisy = add(image.astype(np.float32) / 255, strength, draws)
    return (np.clip(noisy, 0.0, 1.0) * 255 + 0.5).astype(np.uint8)


def compress(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Save and open the image as a JPEG of a quality between 30 and 80.

    Args:
        image: ``(rows, cols)`` or ``(rows, cols, 3)`` uint8.
        rng: Where the quality is drawn from.
    """
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(file, format="JPEG", quality=int(rng.integers(*_QUALITIES)))
    return np.asarray(Image.open(file))


def _rician(values: _Floats, strength: float, draws: _Floats) -> _Floats:
    magnitude: _Floats = np.hypot(values + strength * draws[0], strength * draws[1])
    return magnitude


def _photons(values: _Floats, strength: float, draws: _Floats) -> _Floats:
    """Noise of a logarithm of counts: its deviation grows as the root of what the rays pass."""
    noisy: _Floats = values + strength * np.exp(values / 2) * draws[0]
    return noisy


def _grainy_photons(values: _Floats, strength: float, draws: _Floats) -> _Floats:
    return _photons(values, strength, _blurred(draws, _CT_GRAIN))


def _speckle(values: _Floats, strength: float, draws: _Floats) -> _Floats:
    noisy: _Floats = values * (1 + strength * _blurred(draws, _SPECKLE_GRAIN)[0])
    return noisy


def _blurred(draws: _Floats, width: float) -> _Floats:
    """Noise whose neighbours are alike, of its old strength."""
    blurred: _Floats = ndimage.gaussian_filter(draws, width, axes=(1, 2))
    blurred /= blurred.std()
    return blurred


# By the last word of a modality; weakest and strongest noise as shares of full white.
_NOISES: dict[str, tuple[Callable[[_Floats, float, _Floats], _Floats], float, float]] = {
    "mri": (_rician, 0.01, 0.06),
    "mr": (_rician, 0.01, 0.06),
    "ct": (_grainy_photons, 0.01, 0.05),
    "xray": (_photons, 0.005, 0.03),
    "ultrasound": (_speckle, 0.05, 0.25),
}
