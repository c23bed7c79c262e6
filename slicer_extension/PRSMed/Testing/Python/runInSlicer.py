"""Run the repository's tests of the module inside a real Slicer: what stand-ins cannot show.

    Slicer --testing --no-splash --additional-module-paths slicer_extension/PRSMed \
        --python-script slicer_extension/PRSMed/Testing/Python/runInSlicer.py

Slicer ends with status 0 when all of them passed. It needs pytest (installed on the first run) and, for the tests that
ask, a server: start one with ./scripts/serve and name it in PRSMED_SERVER.
"""

from __future__ import annotations

import os
from pathlib import Path

import slicer

ROOT = Path(__file__).resolve().parents[4]
TESTS = ROOT / "tests" / "slicer_extension"


def main() -> int:
    """Run them; the exit status."""
    try:
        import pytest
    except ImportError:
        slicer.util.pip_install("pytest")
        import pytest
    os.chdir(ROOT)
    files = [TESTS / "test_segments.py", TESTS / "test_panel.py"]
    return int(pytest.main(["-q", "-p", "no:cacheprovider", *map(str, files)]))


slicer.util.exit(main())
