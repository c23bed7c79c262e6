"""`python -m monailabel_app.keys FILE NAME`: a key for a user of the server."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from monailabel_app.guard.api_keys import add_key
from prsmed.errors import PRSMedError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0, or 2 for a mistake on the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m monailabel_app.keys",
        description="Make a key for a user and note its hash in FILE, which PRSMED_API_KEYS names. The key is shown "
        "this once. To take a key back, delete its line; the server need not be restarted.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="file of keys; made when there is none")
    parser.add_argument("name", metavar="NAME", help="whose key it is")
    parser.add_argument(
        "--role",
        default="annotator",
        help="admin, reviewer, annotator (asks, uploads, submits labels) or user (asks); several with commas "
        "(default: %(default)s)",
    )
    options = parser.parse_args(argv)
    try:
        key = add_key(options.file, options.name, options.role)
    except PRSMedError as error:
        print(error, file=sys.stderr)
        return 2
    print(key)
    return 0


if __name__ == "__main__":
    sys.exit(main())
