from __future__ import annotations

import tracemalloc
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_set import record
from talk_set import conversation, one_of_each_kind, turn, write_picture, write_talk
from torch.utils.data import DataLoader

from prsmed.data import stream as stream_module
from prsmed.data.item import Item
from prsmed.data.review import decide
from prsmed.data.schema import Conversation, Review
from prsmed.data.stream import ConversationStream
from prsmed.errors import PRSMedError

COUNT = 23


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stream")
    write_picture(folder)
    write_talk(folder / "talk.jsonl", [conversation(number) for number in range(COUNT)])
    return folder


def make(root: Path, name: str = "talk.jsonl", **options: object) -> ConversationStream:
    return ConversationStream(root / name, root, size=32, **options)  # type: ignore[arg-type]


def ids(items: list[Item]) -> list[str]:
    return [item.conversation.id for item in items]


def test_two_ranks_of_two_workers_yield_every_conversation_once(root: Path) -> None:
    parts = []
    for rank in range(2):
        stream = make(root, shard=(rank, 2))
        part = list(DataLoader(stream, batch_size=None, num_workers=2))
        assert len(part) == len(stream)
        parts.append(ids(part))
    assert not set(parts[0]) & set(parts[1])
    assert sorted(parts[0] + parts[1]) == [f"train-{number:05d}" for number in range(COUNT)]


@pytest.mark.parametrize("world", [1, 3, 5])
def test_shares_differ_by_one_at_most(root: Path, world: int) -> None:
    parts = [make(root, shard=(rank, world)) for rank in range(world)]
    lengths = [len(part) for part in parts]
    assert sum(lengths) == COUNT
    assert max(lengths) - min(lengths) <= 1
    assert [len(list(part)) for part in parts] == lengths


def by_id(items: list[Item]) -> dict[str, tuple[bytes, bytes, Conversation]]:
    return {item.conversation.id: (item.pixels.tobytes(), item.masks.tobytes(), item.conversation) for item in items}


def test_the_same_seed_gives_the_same_items_whoever_makes_them(root: Path) -> None:
    one, again = list(make(root, augment=True, seed=3)), list(make(root, augment=True, seed=3))
    assert ids(one) == ids(again)
    assert by_id(one) == by_id(again)
    shared = [item for rank in range(2) for item in DataLoader(make(root, augment=True, seed=3, shard=(rank, 2)), None)]
    assert by_id(shared) == by_id(one)


def test_seeds_and_epochs_give_other_orders_and_variations(root: Path) -> None:
    stream = make(root, augment=True)
    first = list(stream)
    stream.set_epoch(1)
    second, other = list(stream), list(make(root, augment=True, seed=1))
    for items in (second, other):
        assert ids(items) != ids(first)
        assert sorted(ids(items)) == sorted(ids(first))
        before, after = by_id(first), by_id(items)
        assert sum(before[name][0] == after[name][0] for name in before) == 0
    stream.set_epoch(0)
    assert by_id(list(stream)) == by_id(first)


def test_an_order_mixes_the_whole_file(root: Path) -> None:
    places = [int(name[-5:]) for name in ids(list(make(root)))]
    assert places != sorted(places)
    assert min(places[:6]) < COUNT / 2 < max(places[:6])


def test_without_augmentation_nothing_is_changed(root: Path) -> None:
    items = list(make(root))
    assert len({item.pixels.tobytes() for item in items}) == 1
    assert {item.conversation.turn for item in items} == {turn(number) for number in range(COUNT)}


def test_splits_kinds_and_verdicts_choose(tmp_path: Path) -> None:
    write_picture(tmp_path)
    talk = one_of_each_kind()
    held_out = [replace(one, id=f"val-{one.kind}", record=replace(one.record, split="val")) for one in talk]
    verdicts = ("accepted", "edited", "rejected")
    read = [replace(talk[0], id=verdict, review=Review(verdict, "reader", "now")) for verdict in verdicts]  # type: ignore[arg-type]
    write_talk(tmp_path / "talk.jsonl", [*talk, *held_out, *read])
    assert Counter(ids(list(make(tmp_path)))) == Counter([*(one.id for one in talk), "accepted", "edited"])
    assert set(ids(list(make(tmp_path, splits=("val",))))) == {one.id for one in held_out}
    chosen = make(tmp_path, kinds=("count", "size"), splits=("train", "val"))
    assert {item.conversation.kind for item in chosen} == {"count", "size"}
    assert len(chosen) == 4
    with pytest.raises(PRSMedError, match=r"no conversation of splits test and kinds count") as error:
        make(tmp_path, splits=("test",), kinds=("count",))
    assert error.value.code == "no_conversations"


def test_memory_stays_flat_over_a_large_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "talk.jsonl"
    long = turn(answer="ü" * 4000)
    write_talk(path, (conversation(number, turns=(long,)) for number in range(3000)))  # type: ignore[arg-type]
    blank = np.zeros((1, 1, 1), dtype=np.uint8)
    monkeypatch.setattr(stream_module, "make_item", lambda talk, *_: Item(blank, blank, talk))
    tracemalloc.start()
    seen = sum(len(item.conversation.turn.answer) == 4000 for item in make(tmp_path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seen == 3000
    assert peak < path.stat().st_size / 20


def test_what_is_wrong_with_the_file_is_told(root: Path, tmp_path: Path) -> None:
    with pytest.raises(PRSMedError) as error:
        make(tmp_path)
    assert error.value.code == "missing_conversations"
    path = write_talk(tmp_path / "talk.jsonl", [conversation(number) for number in range(5)])
    write_picture(tmp_path)
    stream = make(tmp_path)
    path.write_text("\n" + path.read_text())
    with pytest.raises(PRSMedError, match="changed while it was streamed") as error:
        list(stream)
    assert error.value.code == "bad_conversation"
    with pytest.raises(PRSMedError, match=r"line 1 of talk\.jsonl"):
        make(tmp_path)


def test_phantoms_stream_too(tmp_path: Path) -> None:
    drawn = record("phantom_ct", "lesion", image="phantom/1", mask=None, seed=1, dataset="phantom")
    write_talk(tmp_path / "talk.jsonl", [conversation(record=drawn, turns=(turn(present=False),), kind="absent")])
    (item,) = make(tmp_path)
    assert item.pixels.any()


def test_a_rejection_that_is_not_merged_yet_counts(tmp_path: Path) -> None:
    write_picture(tmp_path)
    talk = one_of_each_kind()
    path = tmp_path / "talk.jsonl"
    write_talk(path, talk)
    decide(path, talk[0], "rejected", "reader")
    assert set(ids(list(make(tmp_path)))) == {one.id for one in talk[1:]}
