"""Which version a server begins with, and where it looks for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from versions_made import learn

from monailabel_app.settings import server_settings
from monailabel_app.versions import LiveModel, open_registry
from prsmed.errors import PRSMedError
from prsmed.learning.registry import Registry
from prsmed.model.checkpoint import read_manifest


@pytest.fixture
def registry(tmp_path: Path, model: Path) -> Registry:
    return Registry(tmp_path / "registry", model)


def first(registry: Registry) -> tuple[str, str | None]:
    live = LiveModel(registry)
    return live.first().version.version, live.problem


def test_the_live_version_or_the_base(registry: Registry, tmp_path: Path) -> None:
    assert first(registry) == ("tiny-1", None)
    learn(registry, tmp_path)
    assert first(registry) == ("tiny-2", None)
    registry.rollback("test")
    assert first(registry) == ("tiny-1", None)


def test_where_the_live_one_is_damaged_what_was_live_before(registry: Registry, tmp_path: Path) -> None:
    for _ in range(3):
        learn(registry, tmp_path)
    for broken, begins_with in (("tiny-4", "tiny-3"), ("tiny-3", "tiny-2"), ("tiny-2", "tiny-1")):
        (registry.get(broken).path / "model.safetensors").write_bytes(b"")
        version, problem = first(registry)
        assert version == begins_with
        assert problem is not None
        assert registry.live().name == "tiny-4", "only people move the pointer"


def test_which_version_was_approved_must_be_known(registry: Registry, tmp_path: Path) -> None:
    learn(registry, tmp_path)
    (registry.folder / "live.json").write_bytes(b"{")
    with pytest.raises(PRSMedError, match=r"live\.json of the versions cannot be read"):
        first(registry)


def test_what_a_killed_process_had_moved_in_is_found(registry: Registry, tmp_path: Path) -> None:
    learn(registry, tmp_path)
    (registry.folder / "versions.json").unlink()
    assert first(registry) == ("tiny-2", None)


def test_the_folder_hangs_on_studies_and_preset(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def folder(studies: str, **environment: str) -> Path:
        server_settings.cache_clear()
        with monkeypatch.context() as changed:
            for name, value in {"PRSMED_STATE": str(tmp_path), "PRSMED_MODEL": str(model), **environment}.items():
                changed.setenv(name, value)
            registry = open_registry(studies)
        assert read_manifest(registry.base).kind == "prsmed"
        return registry.folder

    here = folder(str(tmp_path / "studies"))
    assert here.parent == tmp_path / "versions"
    assert folder(f"{tmp_path}/other/../studies/") == here
    pacs = "https://pacs.example.org/dicom-web"
    assert folder(f"{pacs}/") == folder(pacs)
    assert len({here, folder(pacs), folder(str(tmp_path)), folder(str(tmp_path / "studies"), PRSMED_MODEL="nano")}) == 4
    assert folder(pacs, PRSMED_VERSIONS=str(tmp_path / "mine")) == tmp_path / "mine"
    server_settings.cache_clear()
    assert not here.exists()
