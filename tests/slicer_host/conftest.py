from __future__ import annotations

from slicer_fixtures import host, slice_view, slicer_host  # noqa: F401
