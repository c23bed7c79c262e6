"""What names may look like before anything is done with them: regular expressions for whole values."""

from __future__ import annotations

import re

from prsmed.errors import PRSMedError

IMAGE_ID = r"^\w[\w .,+@^()=&#~-]{0,199}$"
TAG = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
SESSION_ID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
TASK_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
VERSION = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
TICKET = r"^[A-Za-z0-9_-]{1,64}$"
CHECKSUM = r"^((SHA256|SHA512|MD5):)?[0-9A-Fa-f]{1,128}$"

# The parameters of MONAI Label's routes, by name.
PATTERNS = {
    "image": IMAGE_ID,
    "id": IMAGE_ID,
    "label": IMAGE_ID,
    "tag": TAG,
    "session_id": SESSION_ID,
    "model": TASK_NAME,
    "strategy": TASK_NAME,
    "method": TASK_NAME,
    "check_sum": CHECKSUM,
}


def check_image_id(image_id: str) -> str:
    """The id of a new image.

    Raises:
        PRSMedError: ``bad_id``.
    """
    if not re.fullmatch(IMAGE_ID, image_id):
        raise PRSMedError(
            "bad_id",
            f"{image_id[:60]!r} cannot be an id; use 1 to 200 letters, digits, spaces and . _ - + and no / or \\, "
            "beginning with a letter or digit",
        )
    return image_id


def check_tag(tag: object) -> str:
    """The tag of a label.

    Raises:
        PRSMedError: ``bad_tag``.
    """
    if not isinstance(tag, str) or not re.fullmatch(TAG, tag):
        raise PRSMedError(
            "bad_tag", f"{str(tag)[:60]!r} cannot be a tag; use 1 to 64 letters, digits, _ and -, as in 'final'"
        )
    return tag
