"""From image sets to conversations on disk, one image at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from prsmed.data.converse import RADIUS
from prsmed.data.images import SIDE
from prsmed.data.interview import RULE, interview, key_of
from prsmed.data.manifest import Tally
from prsmed.data.problems import Problems, leave_out
from prsmed.data.questions import Wording
from prsmed.data.record import SPLITS, Record, Split
from prsmed.data.schema import KINDS, Conversation, Kind, to_line
from prsmed.data.sources import read_all
from prsmed.data.splits import Mode, resplit
from prsmed.data.written import CONVERSATIONS, Built, Report, finish, reported, workplace, write_lines
from prsmed.errors import PRSMedError

Read = Callable[[Path, Problems], Iterable[Record]]


def build(
    root: Path,
    out: Path,
    *,
    splits: Sequence[Split] = SPLITS,
    kinds: Sequence[Kind] = KINDS,
    mode: Mode = "official",
    seed: int = 0,
    strict: bool = False,
    wording: Path | None = None,
    read: Read = read_all,
    report: Report | None = None,
) -> Built:
    """Write conversations about every image set below a folder, and a manifest beside them.

    What is asked about an image says :func:`~prsmed.data.interview.interview`. The same folder gives the same bytes.
    With official splits a folder with more images gives the same lines among others; nothing but counters is held in
    memory.

    Args:
        root: Folder of the image sets (docs/data.md).
        out: Folder to write into; earlier files are replaced at the end, all at once.
        splits: Which splits to write.
        kinds: Which kinds of conversation to write.
        mode: ``"official"`` splits, or leak-free ones by ``"group"``: :func:`~prsmed.data.splits.resplit`.
        seed: Another seed draws other splits, names, wordings, and images for the mismatched questions.
        strict: Stop at the first image that cannot be used; otherwise it is noted and left out.
        wording: A user's template file.
        read: Which images; all sets that are recognised below ``root``.
        report: Told of every image: compared, with splits by group, and asked about.

    Raises:
        PRSMedError: ``empty_split`` when there is nothing to write; ``bad_data`` when strict.
    """
    problems, tally, templates = Problems(strict=strict), Tally(), Wording.load(wording)
    records: Iterable[Record] = tally.watch(read(root, problems))
    if mode == "group":
        records = resplit(records, root, mode, seed, progress=report and partial(report, "comparing images"))
    with workplace(out) as folder:
        listed = folder / "records.jsonl"
        # Listed on disk, so that the number of images is known before the first is read, and none is held.
        total = write_lines((_to_line(record) for record in records if record.split in splits), listed)

        def ask(record: Record) -> tuple[Conversation, ...]:
            return interview(record, root, templates, kinds, seed)

        asked = _ask_each(_read_lines(listed), ask, problems)
        counted = reported(map(tally.add, asked), "asking about images", total, report)
        lines = (to_line(one) for conversations in counted for one in conversations)
        if not write_lines(lines, folder / CONVERSATIONS):
            raise PRSMedError("empty_split", _nothing(root, splits, problems))
        chosen = {
            "seed": seed,
            "mode": mode,
            "splits": [split for split in SPLITS if split in splits],
            "kinds": [kind for kind in KINDS if kind in kinds],
            "rule": RULE,
            "radius": RADIUS,
            "side": SIDE,
            "wording_sha256": templates.sha256,
        }
        return finish(folder, out, chosen, tally, problems)


def _ask_each(
    records: Iterable[Record], ask: Callable[[Record], tuple[Conversation, ...]], problems: Problems
) -> Iterator[tuple[Conversation, ...]]:
    """Conversations about each record, ``()`` for one that cannot be used."""
    seen: set[int] = set()
    for record in records:
        key = int(key_of(record), 16)
        conversations: tuple[Conversation, ...] = ()
        if key not in seen:  # what two sets list is asked about once
            seen.add(key)
            try:
                conversations = ask(record)
            except PRSMedError as error:
                leave_out(record, error, problems)
        yield conversations


def _nothing(root: Path, splits: Sequence[Split], problems: Problems) -> str:
    wanted = " or ".join(split for split in SPLITS if split in splits)
    left_out = f" ({problems.count} left out, e.g. {next(iter(problems.found))})" if problems.count else ""
    return f"no usable image of split {wanted} below {root}{left_out}; add some or name another split"


def _to_line(record: Record) -> str:
    return json.dumps(asdict(record))


def _read_lines(path: Path) -> Iterator[Record]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            fields: dict[str, Any] = json.loads(line)
            fields |= {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
            yield Record(**fields)
