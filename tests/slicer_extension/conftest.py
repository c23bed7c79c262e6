"""The extension's code on the path, and a real server with nano behind it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from panel_paths import MODULE, ROOT

for folder in (MODULE, ROOT / "tests" / "monailabel_app", ROOT / "tests" / "slicer_host"):
    sys.path.insert(0, str(folder))

from slicer_fixtures import host, slicer_host  # noqa: E402, F401


@pytest.fixture(scope="session")
def nano_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a real server with nano and the demonstration studies."""
    from running import serve

    from prsmed.imaging import write_demo_studies

    studies = tmp_path_factory.mktemp("demo")
    write_demo_studies(studies)
    state = str(tmp_path_factory.mktemp("state"))
    log = tmp_path_factory.mktemp("log") / "server.log"
    for server in serve(studies, Path("nano"), log, PRSMED_STATE=state):
        yield server.url


@pytest.fixture(scope="session")
def stock_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same task under MONAI Label's own web application."""
    from running import serve

    from prsmed.imaging import write_demo_studies

    studies = tmp_path_factory.mktemp("demo")
    write_demo_studies(studies)
    state = str(tmp_path_factory.mktemp("state"))
    log = tmp_path_factory.mktemp("log") / "server.log"
    for server in serve(studies, Path("nano"), log, "monailabel.app:app", PRSMED_STATE=state):
        yield server.url
