"""The extension's code on the path, and a real server with nano behind it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from panel_paths import MODULE, ROOT

for folder in (MODULE, ROOT / "tests" / "monailabel_app", ROOT / "tests" / "slicer_host"):
    sys.path.insert(0, str(folder))

if "PythonQt" in sys.modules:  # inside a real Slicer
    from real_host import host
else:
    from slicer_fixtures import host, slicer_host  # noqa: F401


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where pictures of the panel go: PRSMED_PICTURES, or nowhere for long."""
    kept = os.environ.get("PRSMED_PICTURES")
    return Path(kept).resolve() if kept else tmp_path


@pytest.fixture(scope="session")
def nano_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a real server with nano and the demonstration studies."""
    yield from _serve(tmp_path_factory.mktemp("nano"), "monailabel_app.asgi:app")


@pytest.fixture(scope="session")
def stock_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same task under MONAI Label's own web application."""
    yield from _serve(tmp_path_factory.mktemp("stock"), "monailabel.app:app")


def _serve(folder: Path, application: str) -> Iterator[str]:
    if "PRSMED_SERVER" in os.environ:
        yield os.environ["PRSMED_SERVER"]
        return
    pytest.importorskip("monailabel", reason="no server can be started here; name a running one in PRSMED_SERVER")
    from running import serve

    from prsmed.imaging import write_demo_studies

    write_demo_studies(folder / "studies")
    log = folder / "server.log"
    for server in serve(folder / "studies", Path("nano"), log, application, PRSMED_STATE=str(folder / "state")):
        yield server.url
