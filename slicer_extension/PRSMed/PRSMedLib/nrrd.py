"""NRRD in memory, as far as the server and this panel use it: three axes, gzip, left-posterior-superior space.

Slicer's own reader works on files and on the main thread only; a mask must be unpacked in neither.
"""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PRSMedLib.i18n import tr as _
from PRSMedLib.problem import Problem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TYPES = {
    **dict.fromkeys(("uchar", "unsigned char", "uint8", "uint8_t"), "u1"),
    **dict.fromkeys(("signed char", "int8", "int8_t"), "i1"),
    **dict.fromkeys(("short", "short int", "signed short", "int16", "int16_t"), "i2"),
    **dict.fromkeys(("ushort", "unsigned short", "uint16", "uint16_t"), "u2"),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t"), "i4"),
    **dict.fromkeys(("uint", "unsigned int", "uint32", "uint32_t"), "u4"),
    "float": "f4",
    "double": "f8",
}
_NAMES = {
    "u1": "uint8",
    "i1": "int8",
    "i2": "int16",
    "u2": "uint16",
    "i4": "int32",
    "u4": "uint32",
    "f4": "float",
    "f8": "double",
}
_GZIP = 16 + zlib.MAX_WBITS
_LPS_TO_RAS = (-1.0, -1.0, 1.0)


@dataclass(frozen=True)
class Image:
    """Voxels and where they are.

    Attributes:
        voxels: ``(K, J, I)``, as Slicer has arrays.
        ijkToRas: ``(4, 4)``, voxel index to RAS millimetres.
    """

    voxels: NDArray[Any]
    ijkToRas: NDArray[np.float64]


def encode(image: Image) -> bytes:
    """An NRRD file. Types that NRRD lacks (bool, 64-bit integers) are made ones that hold their values."""
    import numpy as np

    voxels = image.voxels
    if voxels.dtype == bool:
        voxels = voxels.astype(np.uint8)
    elif voxels.dtype.kind in "iu" and voxels.dtype.itemsize == 8:
        voxels = voxels.astype(np.float64)
    voxels = np.ascontiguousarray(voxels, dtype=voxels.dtype.newbyteorder("<"))
    lps = np.diag((*_LPS_TO_RAS, 1.0)) @ image.ijkToRas
    header = [
        "NRRD0005",
        f"type: {_NAMES[voxels.dtype.str[1:]]}",
        "dimension: 3",
        "space: left-posterior-superior",
        "sizes: " + " ".join(str(size) for size in reversed(voxels.shape)),
        "space directions: " + " ".join(_vector(lps[:3, axis]) for axis in range(3)),
        "kinds: domain domain domain",
        "endian: little",
        "encoding: gzip",
        "space origin: " + _vector(lps[:3, 3]),
    ]
    # Slice by slice, without a copy of the whole: a large one would keep every other thread waiting.
    packer = zlib.compressobj(level=1, wbits=_GZIP)
    packed = [packer.compress(part) for part in voxels]
    return b"".join(["\n".join(header).encode(), b"\n\n", *packed, packer.flush()])


def decode(content: bytes) -> Image:
    """Read a file.

    Raises:
        Problem: ``bad_mask`` for what is no complete NRRD of three axes.
    """
    try:
        return _decode(content)
    except (ValueError, KeyError, EOFError, OSError, UnicodeDecodeError) as error:
        raise Problem("bad_mask", _("The mask that came back cannot be read ({0}).").format(error)) from error


def _decode(content: bytes) -> Image:
    import numpy as np

    head, separator, data = content.partition(b"\n\n")
    if not head.startswith(b"NRRD") or not separator:
        raise ValueError("it is not NRRD")
    fields = dict(re.findall(r"^([\w ]+): ?(.*)$", head.decode("ascii").replace("\r", ""), re.MULTILINE))
    sizes = [int(size) for size in fields["sizes"].split()]
    if len(sizes) != 3:
        raise ValueError(f"it has {len(sizes)} axes")
    if fields["encoding"] in ("gzip", "gz"):
        data = gzip.decompress(data)
    elif fields["encoding"] != "raw":
        raise ValueError(f"its encoding is {fields['encoding']}")
    order = ">" if fields.get("endian") == "big" else "<"
    voxels = np.frombuffer(data, dtype=order + _TYPES[fields["type"]]).reshape(sizes[::-1])
    matrix = np.eye(4)
    numbers = re.findall(r"\(([^)]*)\)", fields["space directions"])
    for axis, vector in enumerate(numbers):
        matrix[:3, axis] = [float(value) for value in vector.split(",")]
    matrix[:3, 3] = [float(value) for value in fields["space origin"].strip("() ").split(",")]
    if fields.get("space", "").lower() in ("left-posterior-superior", "lps"):
        matrix = np.diag((*_LPS_TO_RAS, 1.0)) @ matrix
    return Image(voxels, matrix)


def _vector(values: Any) -> str:
    return "(" + ",".join(repr(float(value)) for value in values) + ")"
