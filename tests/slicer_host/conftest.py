from __future__ import annotations

from slicer_fixtures import host, slicer_host  # noqa: F401
