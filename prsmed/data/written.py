"""A list of conversations on its way to the disk: written beside the old one, put in its place when it is whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from prsmed.data.manifest import Counts, Tally, describe_problems, sha256_of
from prsmed.data.problems import Problems
from prsmed.data.schema import SCHEMA

CONVERSATIONS = "conversations.jsonl"
MANIFEST = "manifest.json"
Report = Callable[[str, int, int], None]
"""Called with what is done, how many are done, and how many there are."""
_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Built:
    """A list that was written.

    Attributes:
        path: ``conversations.jsonl``; ``manifest.json`` lies beside it.
        images: How many are asked about.
        counts: Conversations by set, split and kind.
        problems: What was left out.
    """

    path: Path
    images: int
    counts: Counts
    problems: Problems


@contextmanager
def workplace(out: Path) -> Iterator[Path]:
    """A folder inside ``out`` to write in; it is gone afterwards, whatever happens."""
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out, prefix=".build-") as folder:
        yield Path(folder)


def write_lines(lines: Iterable[str], path: Path) -> int:
    """Write one line after another; how many there were."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for line in lines:
            file.write(line + "\n")
            count += 1
    return count


def reported(items: Iterable[_Item], what: str, total: int, report: Report | None) -> Iterator[_Item]:
    """Hand items on, and tell of each when the next is asked for."""
    for done, item in enumerate(items, start=1):
        yield item
        if report is not None:
            report(what, done, total)


def finish(folder: Path, out: Path, chosen: dict[str, Any], tally: Tally, problems: Problems) -> Built:
    """Write the manifest of the :data:`CONVERSATIONS` in a :func:`workplace`, and move both to their place.

    Args:
        folder: The workplace.
        out: Where both go; earlier files of their names are replaced.
        chosen: What the list was made with; stands at the top of the manifest, after the schema.
        tally: Counted while the list was written.
        problems: What was left out.
    """
    written, manifest = folder / CONVERSATIONS, folder / MANIFEST
    found = {"problems": describe_problems(problems), "conversations_sha256": sha256_of(written)}
    text = json.dumps({"schema": SCHEMA, **chosen, **tally.describe(), **found}, indent=2, ensure_ascii=False)
    manifest.write_text(text + "\n", encoding="utf-8")
    for file in (written, manifest):
        file.replace(out / file.name)
    return Built(out / CONVERSATIONS, tally.images, tally.counts(), problems)
