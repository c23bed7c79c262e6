from __future__ import annotations

from pathlib import Path

import pytest
from evaluation_set import write_images

from prsmed.data import Conversation, build, read_conversations
from prsmed.evaluation.run import KINDS


@pytest.fixture(scope="session")
def image_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_images(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="session")
def asked(image_root: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Conversation]:
    return list(read_conversations(build(image_root, tmp_path_factory.mktemp("list"), kinds=KINDS).path))
