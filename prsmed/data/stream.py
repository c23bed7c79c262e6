"""Conversations of a file, streamed to training: shuffled, and shared out among processes."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import IterableDataset, get_worker_info

from prsmed.data.item import Item, make_item, make_varied_item
from prsmed.data.questions import Wording
from prsmed.data.record import Split
from prsmed.data.review import merge
from prsmed.data.schema import KINDS, Conversation, Kind, from_line, read_conversations
from prsmed.errors import PRSMedError


class ConversationStream(IterableDataset[Item]):
    """Conversations with their images, each once an epoch over all ranks and workers together.

    Of the file only the place of each line is kept, 8 bytes a conversation. That gives an epoch one true shuffle of
    the whole file, which is in the order of its sources: a buffer over that order would give batches of one source.
    An item depends on ``(seed, epoch, line)`` alone, so ranks and workers change who makes it, not what it is.
    Rejected conversations are left out. A slice is read with its whole volume, one after another in shuffled order:
    write large volumes' slices as pictures first.

    Args:
        path: A ``conversations.jsonl`` of :mod:`prsmed.data.schema`. Not to be changed while it is streamed.
        root: Folder the records' paths are relative to.
        size: Side of the model's square in pixels.
        splits: Splits that are streamed.
        kinds: Kinds of questions that are streamed.
        augment: Whether images are varied and asked anew, see :func:`~prsmed.data.item.make_varied_item`.
        seed: Another seed gives other orders and variations.
        shard: ``(rank, world)`` of a distributed run; DataLoader's workers share a rank's part by themselves.
        wording: What varied images are asked with; the built-in wordings when ``None``.

    Raises:
        PRSMedError: What :func:`~prsmed.data.schema.read_conversations` raises, or ``no_conversations``.
    """

    def __init__(
        self,
        path: Path,
        root: Path,
        *,
        size: int,
        splits: Sequence[Split] = ("train",),
        kinds: Sequence[Kind] = KINDS,
        augment: bool = False,
        seed: int = 0,
        shard: tuple[int, int] = (0, 1),
        wording: Wording | None = None,
    ) -> None:
        self.path = path
        self.root = root
        self.size = size
        self.augment = augment
        self.seed = seed
        self.shard = shard
        self.wording = wording or Wording.load(None)
        merge(path)  # a review that was killed counts
        self._epoch = 0
        self._starts = _find(path, frozenset(splits), frozenset(kinds))
        if not len(self._starts):
            raise PRSMedError(
                "no_conversations",
                f"{path.name} has no conversation of splits {', '.join(splits)} and kinds {', '.join(kinds)} "
                "that was not rejected; choose others or build it anew",
            )

    def __len__(self) -> int:
        """Conversations an epoch gives to this rank, all its workers together."""
        rank, world = self.shard
        return len(range(rank, len(self._starts), world))

    def set_epoch(self, epoch: int) -> None:
        """Go on with another order and other variations; call it before a DataLoader starts its workers."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[Item]:
        order = np.random.default_rng([self.seed, self._epoch]).permutation(self._starts)
        worker = get_worker_info()
        number, count = (0, 1) if worker is None else (worker.id, worker.num_workers)
        rank, world = self.shard
        with self.path.open("rb") as file:
            for start in order[rank + world * number :: world * count].tolist():
                file.seek(start)
                yield self._item(self._parse(file.readline()), start)

    def _item(self, conversation: Conversation, start: int) -> Item:
        if not self.augment:
            return make_item(conversation, self.root, self.size)
        rng = np.random.default_rng([self.seed, self._epoch, start])
        return make_varied_item(conversation, self.root, self.size, self.wording, rng)

    def _parse(self, line: bytes) -> Conversation:
        try:
            return from_line(line.decode())
        except ValueError:
            raise PRSMedError(
                "bad_conversation", f"{self.path.name} was changed while it was streamed; start anew"
            ) from None


def _find(path: Path, splits: frozenset[str], kinds: frozenset[str]) -> NDArray[np.int64]:
    """First byte of every line that is streamed."""
    starts, start = array("q"), 0
    for conversation, line in zip(read_conversations(path), _lines(path), strict=True):
        is_rejected = conversation.review is not None and conversation.review.verdict == "rejected"
        if conversation.record.split in splits and conversation.kind in kinds and not is_rejected:
            starts.append(start)
        start += len(line)
    return np.array(starts, dtype=np.int64)


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from file
