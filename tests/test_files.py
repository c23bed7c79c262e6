"""Files on disk: whole, or as they were."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from prsmed.files import append_line, sync, write_whole


def test_a_file_is_whole_or_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "label.nii.gz"
    write_whole(b"old", file)

    def fail(*args: Any) -> None:
        raise OSError("no space left")

    for step in ("fsync", "replace"):
        with monkeypatch.context() as broken:
            broken.setattr(os, step, fail)
            with pytest.raises(OSError, match="no space"):
                write_whole(b"new", file)
        assert file.read_bytes() == b"old"
        assert [path.name for path in tmp_path.iterdir()] == ["label.nii.gz"]
    write_whole(b"new", file)
    assert file.read_bytes() == b"new"


def test_lines_are_added_and_a_half_one_stays_alone(tmp_path: Path) -> None:
    file = tmp_path / "log"
    append_line("one", file)
    append_line("zwei ö", file)
    with file.open("ab") as broken:
        broken.write(b"hal")
    append_line("three", file)
    assert file.read_text() == "one\nzwei ö\nhal\nthree\n"


def test_a_folder_and_each_of_its_files_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.readlink(f"/proc/self/fd/{descriptor}")))
    (tmp_path / "below").mkdir()
    for name in ("a", "b"):
        (tmp_path / name).touch()
    sync(tmp_path)
    assert sorted(synced) == [str(tmp_path), str(tmp_path / "a"), str(tmp_path / "b")]
