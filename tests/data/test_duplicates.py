from __future__ import annotations

import numpy as np
import pytest
from drawn_set import again, picture
from hypothesis import given, settings
from hypothesis import strategies as st

from prsmed.data import duplicates
from prsmed.data.duplicates import NEAR, fingerprint, near_pairs


def pairs(hashes: list[bytes]) -> dict[tuple[int, int], int]:
    found: dict[tuple[int, int], int] = {}
    for first, second, distance in near_pairs(hashes):
        for i, j, bits in zip(first.tolist(), second.tolist(), distance.tolist(), strict=True):
            assert (i, j) not in found, "a pair is told once"
            found[i, j] = bits
    return found


def bits_of(seed: int) -> bytes:
    bits = fingerprint(picture(seed)).bits
    assert bits is not None
    return bits


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    quality=st.integers(45, 95),
    light=st.floats(0.85, 1.15),
    cut=st.integers(0, 1),
    scale=st.floats(0.7, 1.5),
)
def test_a_picture_saved_anew_is_near(seed: int, quality: int, light: float, cut: int, scale: float) -> None:
    copy = fingerprint(again(picture(seed), quality=quality, light=light, cut=cut, scale=scale))
    assert copy.bits is not None
    assert (0, 1) in pairs([bits_of(seed), copy.bits])


def test_different_pictures_are_apart() -> None:
    assert pairs([bits_of(seed) for seed in range(80)]) == {}


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(0, 40))
def test_pairs_are_those_of_counting_bits(seed: int, count: int) -> None:
    """Hashes around the limit, in tiles of seven so that pairs lie within and between tiles."""
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 2, 256, dtype=np.uint8)
    hashes = []
    for _ in range(count):
        other = base.copy()
        other[rng.choice(255, size=rng.integers(0, 30), replace=False)] ^= 1
        hashes.append(np.packbits(other).tobytes())
    numbers = [int.from_bytes(one, "big") for one in hashes]
    apart = {(i, j): (numbers[i] ^ numbers[j]).bit_count() for j in range(count) for i in range(j)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "_TILE", 7)
        assert pairs(hashes) == {pair: bits for pair, bits in apart.items() if bits <= NEAR}


def test_hash_is_the_signs_of_low_frequencies() -> None:
    """Against cosines written out, on a picture that needs no scaling."""
    pixels = np.random.default_rng(3).integers(0, 256, (32, 32), dtype=np.uint8)
    index = np.arange(32)
    cosines = np.cos(np.pi * (2 * index[None] + 1) * index[:, None] / 64) * np.sqrt(2 / 32)
    cosines[0] /= np.sqrt(2)
    low = (cosines @ pixels.astype(float) @ cosines.T)[:16, :16].ravel()[1:]
    expected = [value > sorted(low)[127] for value in low]
    bits = fingerprint(pixels).bits
    assert bits is not None
    assert np.unpackbits(np.frombuffer(bits, np.uint8))[:255].astype(bool).tolist() == expected


def test_digest_is_of_the_pixels_and_their_shape() -> None:
    pixels = picture(1)
    changed = pixels.copy()
    changed[0, 0, 0] ^= 1
    assert fingerprint(pixels).digest == fingerprint(pixels.copy()).digest
    assert fingerprint(pixels).digest != fingerprint(changed).digest
    assert fingerprint(pixels).digest != fingerprint(pixels.reshape(240, 192, 3)).digest


def test_a_blank_picture_is_like_no_other() -> None:
    assert fingerprint(np.full((40, 40), 7, dtype=np.uint8)).bits is None
