"""Versions: who is live, who was, who may be, and what is written of it."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock
from made_versions import finished, learn, verdict

from prsmed.errors import PRSMedError
from prsmed.learning.difference import diff
from prsmed.learning.registry import Registry
from prsmed.learning.version import VersionFacts
from prsmed.model.checkpoint import load_checkpoint, read_manifest, save_checkpoint


def names(registry: Registry) -> dict[str, str]:
    return {version.name: version.status for version in registry.versions()}


def refused(code: str, call: object, *words: object) -> str:
    assert callable(call)
    with pytest.raises(PRSMedError) as caught:
        call(*words)
    assert caught.value.code == code
    return str(caught.value)


def test_without_versions_the_base_is_live_and_nothing_is_written(registry: Registry) -> None:
    assert names(registry) == {"tiny-1": "live"}
    assert (registry.live().path, registry.next_name(), registry.log()) == (registry.base, "tiny-2", [])
    registry.settle()
    registry.promote("tiny-1", "ann")
    refused("unknown_version", registry.promote, "tiny-2", "ann")
    refused("nothing_to_roll_back", registry.rollback, "ann")
    assert registry.prune(1) == []
    assert not registry.folder.exists()


def test_a_folder_that_cannot_be_written_or_is_in_use_is_told(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(registry)
    monkeypatch.setattr("prsmed.learning.registry._PATIENCE_SECONDS", 0.05)
    with FileLock(registry.folder / ".lock"):
        refused("busy", registry.rollback, "ann")

    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as locked:
        locked.setattr(FileLock, "acquire", denied)
        assert "Permission denied" in refused("read_only", registry.rollback, "ann")
    assert registry.live().name == "tiny-2"


def test_a_version_comes_goes_live_and_is_rolled_back(registry: Registry) -> None:
    candidate = learn(registry, None)
    assert (candidate.name, candidate.status, candidate.parent) == ("tiny-2", "candidate", "tiny-1")
    registry.decide("tiny-2", verdict(0.1), "ann", "tiny-1")
    learn(registry, -0.2)
    learn(registry, 0.0)
    assert names(registry) == {"tiny-4": "live", "tiny-3": "rejected", "tiny-2": "kept", "tiny-1": "kept"}
    assert registry.rollback("bob").name == "tiny-2"
    registry.promote("tiny-4", "bob", "it was right")
    for expected in ("tiny-2", "tiny-1"):
        assert registry.rollback("bob").name == expected
    refused("nothing_to_roll_back", registry.rollback, "bob")
    assert names(registry)["tiny-1"] == "live"


def test_a_manifest_tells_name_parent_and_data_and_the_weights_are_the_same(registry: Registry) -> None:
    version = learn(registry)
    model, manifest = load_checkpoint(version.path)
    assert (manifest.version, manifest.training["steps"]) == ("tiny-2", 5)
    told = manifest.training["version"]
    assert (told["parent"], told["data_sha256"], told["corrections"]) == ("tiny-1", "d" * 64, 12)
    assert told["parent_sha256"] == version.sha256 == read_manifest(registry.base).sha256
    assert not model.training


def test_what_did_not_pass_the_gate_is_never_promoted(registry: Registry) -> None:
    learn(registry, -0.2)
    assert "fell from 0.630 to 0.430" in refused("gate_rejected", registry.promote, "tiny-2", "ann")
    learn(registry, None)
    refused("not_judged", registry.promote, "tiny-3", "ann")
    refused("unknown_version", registry.promote, "tiny-9", "ann")
    refused("unknown_version", registry.promote, "../base", "ann")
    refused("already_judged", registry.decide, "tiny-2", verdict(0.1), "ann", "tiny-1")
    assert registry.live().name == "tiny-1"


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json", "manifest.json"])
def test_a_damaged_version_does_not_go_live(registry: Registry, file: str) -> None:
    learn(registry)
    registry.rollback("ann")
    damaged = registry.get("tiny-2").path / file
    damaged.write_bytes(damaged.read_bytes()[:-9])
    assert file in refused("damaged_version", registry.promote, "tiny-2", "ann")
    assert registry.live().name == "tiny-1"


def test_weights_that_were_exchanged_with_their_manifest_do_not_go_live(registry: Registry, make_tiny: object) -> None:
    learn(registry)
    registry.rollback("ann")
    assert callable(make_tiny)
    save_checkpoint(make_tiny(region_confidence=0.9).requires_grad_(False), registry.get("tiny-2").path, "tiny-2")
    entry = json.loads((registry.folder / "versions.json").read_text())["versions"]["tiny-2"]
    assert entry["sha256"] == read_manifest(registry.get("tiny-2").path).sha256  # the same weights: nothing to refuse
    registry.promote("tiny-2", "ann")
    registry.rollback("ann")
    other = make_tiny()
    next(other.parameters()).data += 1
    save_checkpoint(other, registry.get("tiny-2").path, "tiny-2")
    assert "not those that were added" in refused("damaged_version", registry.promote, "tiny-2", "ann")


def test_a_rollback_passes_over_what_is_damaged(registry: Registry) -> None:
    for _ in range(2):
        learn(registry)
    (registry.get("tiny-2").path / "model.safetensors").write_bytes(b"")
    assert registry.rollback("ann").name == "tiny-1"


def test_what_was_judged_against_another_version_is_kept_but_not_promoted(registry: Registry) -> None:
    learn(registry)
    candidate = learn(registry, None)
    registry.rollback("bob", "while it was judged")
    assert registry.decide(candidate.name, verdict(0.1), "ann", "tiny-2").status == "kept"
    assert registry.live().name == "tiny-1"


@pytest.mark.parametrize("wrong", ["damaged", "other preset", "unknown parent"])
def test_what_cannot_be_a_version_stays_where_it_was(registry: Registry, make_tiny: object, wrong: str) -> None:
    checkpoint, parent = finished(registry.base), "tiny-1"
    if wrong == "damaged":
        (checkpoint / "model.safetensors").write_bytes(b"short")
    elif wrong == "other preset":
        assert callable(make_tiny)
        save_checkpoint(make_tiny(name="giant"), checkpoint, "giant-1")
    else:
        parent = "tiny-7"
    code = {"damaged": "bad_checkpoint", "other preset": "other_preset", "unknown parent": "unknown_version"}[wrong]
    refused(code, registry.add, checkpoint, VersionFacts(parent))
    assert checkpoint.is_dir()
    assert (names(registry), registry.log()) == ({"tiny-1": "live"}, [])


def test_pruning_keeps_what_is_needed_and_all_facts(registry: Registry) -> None:
    for gain in (0.1, -0.2, 0.1, -0.2, -0.2, 0.1):
        learn(registry, gain)
    assert names(registry)["tiny-7"] == "live"
    assert registry.prune(1) == ["tiny-3", "tiny-5", "tiny-6"]  # the live one came from tiny-4, that from tiny-2
    assert registry.prune(1) == []
    pruned = registry.get("tiny-3")
    assert (pruned.is_pruned, pruned.corrections, pruned.status) == (True, 12, "rejected")
    assert diff(registry, "tiny-3", "tiny-7")["data"]["corrections"] == {"a": 12, "b": 12}
    assert learn(registry).name == "tiny-8"


def test_a_version_that_was_rolled_back_is_pruned_once_it_is_old_and_then_not_promoted(registry: Registry) -> None:
    learn(registry)
    registry.rollback("ann")
    for _ in range(2):
        learn(registry, -0.2)
    assert registry.prune(2) == ["tiny-2"]
    refused("version_pruned", registry.promote, "tiny-2", "ann")
    registry.promote("tiny-1", "ann")


def test_names_are_never_used_again(registry: Registry, tmp_path: Path) -> None:
    assert [learn(registry).name for _ in range(2)] == ["tiny-2", "tiny-3"]
    registry.get("tiny-3").path.rename(tmp_path / "taken away")
    assert registry.next_name() == "tiny-4"


def test_every_change_adds_one_line_and_changes_none(registry: Registry) -> None:
    file, before = registry.folder / "audit.jsonl", b""
    for change, lines in (
        (lambda: learn(registry), 3),
        (lambda: learn(registry, -0.2), 2),
        (lambda: registry.rollback("bob", "worse in the clinic"), 1),
        (lambda: registry.promote("tiny-2", "bob"), 1),
        (lambda: registry.promote("tiny-2", "bob"), 0),
        (lambda: registry.prune(1), 0),
    ):
        change()
        after = file.read_bytes()
        assert after.startswith(before)
        assert after[len(before) :].count(b"\n") == lines
        before = after
    newest_first = registry.log()
    assert [event.number for event in newest_first] == [7, 6, 5, 4, 3, 2, 1]
    by = {event.number: event for event in newest_first}
    assert (by[2].what, by[2].metrics["after"]["dice"]) == ("approved", 0.73)
    assert (by[3].what, by[3].live_before, by[3].live_after) == ("promoted", "tiny-1", "tiny-2")
    assert (by[6].who, by[6].reason, by[6].undo) == ("bob", "worse in the clinic", "prsmed models promote tiny-2")


def test_a_half_line_breaks_nothing(registry: Registry) -> None:
    learn(registry)
    with (registry.folder / "audit.jsonl").open("ab") as file:
        file.write(b'{"number": 4, "when": "20')
    assert len(registry.log()) == 3
    registry.rollback("ann")
    assert [event.what for event in registry.log()] == ["rolled back", "promoted", "approved", "added"]


@pytest.mark.parametrize("name", ["versions.json", "live.json"])
@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"format": 9}', b"\xff"])
def test_a_damaged_file_is_told(registry: Registry, name: str, content: bytes) -> None:
    learn(registry)
    (registry.folder / name).write_bytes(content)
    assert name in refused("bad_registry", registry.live)


def test_lost_facts_are_found_again_in_the_manifests(registry: Registry) -> None:
    learn(registry)
    (registry.folder / "versions.json").unlink()
    refused("bad_registry", registry.live)
    registry.settle()
    assert (registry.live().name, registry.live().corrections) == ("tiny-2", 12)


def test_a_base_of_a_learnt_version_s_name_is_told(registry: Registry) -> None:
    learn(registry)
    manifest = read_manifest(registry.base)
    text = json.dumps({**json.loads((registry.base / "manifest.json").read_text()), "version": "tiny-2"})
    (registry.base / "manifest.json").write_text(text)
    assert replace(manifest, version="tiny-2") == read_manifest(registry.base)
    refused("base_conflict", registry.versions)


def test_another_base_of_the_preset_takes_the_place_of_the_first(registry: Registry, tmp_path: Path) -> None:
    learn(registry)
    newer = finished(registry.base)
    text = (newer / "manifest.json").read_text().replace('"tiny-1"', '"tiny-1b"')
    (newer / "manifest.json").write_text(text)
    other = Registry(registry.folder, newer)
    assert other.live().name == "tiny-2"
    assert other.rollback("ann").name == "tiny-1b"


def test_many_at_once(registry: Registry) -> None:
    def add(checkpoint: Path) -> None:
        Registry(registry.folder, registry.base).add(checkpoint, VersionFacts("tiny-1"))

    threads = [threading.Thread(target=add, args=(finished(registry.base),)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(names(registry)) == [f"tiny-{number}" for number in range(1, 8)]
    assert [event.number for event in registry.log()] == [6, 5, 4, 3, 2, 1]


def test_two_versions_side_by_side(registry: Registry, make_tiny: object) -> None:
    learn(registry)
    assert callable(make_tiny)
    checkpoint = finished(registry.base)
    save_checkpoint(make_tiny(presence_threshold=0.7), checkpoint, "x", {"steps": 9, "lr": 0.1})
    registry.add(checkpoint, VersionFacts("tiny-2", "e" * 64, 20))
    registry.decide("tiny-3", verdict(0.05), "ann", "tiny-2")
    found = diff(registry, "tiny-2", "tiny-3")
    assert found["config"] == {"model.presence_threshold": {"a": 0.5, "b": 0.7}, "training.steps": {"a": 5, "b": 9}}
    assert found["metrics"]["dice"] == {"a": 0.63, "b": 0.68}  # both on the list tiny-3 was judged on
    assert found["data"]["corrections"] == {"a": 12, "b": 20}
    refused("unknown_version", diff, registry, "tiny-2", "tiny-9")
