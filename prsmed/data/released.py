"""Annotations that were released with their images, brought into our form: what ``prsmed data import`` does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from prsmed.data.images import read_image
from prsmed.data.interview import key_of
from prsmed.data.manifest import Tally
from prsmed.data.problems import Problems, leave_out
from prsmed.data.record import Record
from prsmed.data.schema import Conversation, read_conversations, to_line
from prsmed.data.sources import find_sources, medseg_qa, medseg_qa_turns, prs_med, prs_med_csv
from prsmed.data.written import CONVERSATIONS, Built, Report, finish, reported, workplace, write_lines
from prsmed.errors import PRSMedError

_READERS: dict[str, Callable[[Path, Path, Problems], Iterator[Conversation]]] = {
    prs_med.SOURCE.name: prs_med_csv.read_annotations,
    medseg_qa.SOURCE.name: medseg_qa_turns.read_annotations,
}


def import_released(root: Path, out: Path, *, strict: bool = False, report: Report | None = None) -> Built:
    """Write the released conversations below a folder as a list of our schema, and a manifest beside it.

    Words, splits and order are those of the release. Every image and mask is read once, so that what is imported can
    be trained on; of an image only a short key is kept in memory.

    Args:
        root: Folder with PRS-Med's data or a MedSeg-QA-style JSON at or below it (docs/data.md).
        out: Folder to write into; earlier files are replaced at the end, all at once.
        strict: Stop at the first row or image that cannot be used; otherwise it is noted and left out.
        report: Told of every conversation checked.

    Raises:
        PRSMedError: ``missing_folder``, ``no_annotations`` when none of them can be used, ``bad_data`` when strict.
    """
    problems, tally = Problems(strict=strict), Tally()
    with workplace(out) as folder:
        listed = folder / "listed.jsonl"
        # Listed on disk first, so that their number is known before the first image is read, and none is held.
        total = write_lines(map(to_line, _read(root, problems)), listed)
        checked = reported(read_conversations(listed), "checking images", total, report)
        if not write_lines(map(to_line, _usable(checked, root, problems, tally)), folder / CONVERSATIONS):
            raise PRSMedError("no_annotations", _nothing(root, problems))
        return finish(folder, out, {"imported": True}, tally, problems)


def _read(root: Path, problems: Problems) -> Iterator[Conversation]:
    for source, folder in find_sources(root, problems):
        if source.name in _READERS:
            yield from _READERS[source.name](root, folder, problems)


def _usable(
    conversations: Iterable[Conversation], root: Path, problems: Problems, tally: Tally
) -> Iterator[Conversation]:
    """Those whose image and mask can be read, counted."""
    known: dict[int, bool] = {}
    for conversation in conversations:
        key = int(key_of(conversation.record), 16)
        if key not in known:
            tally.see(conversation.record)
            known[key] = _can_be_read(conversation.record, root, problems)
            tally.images += known[key]
        if known[key]:
            tally.count(conversation)
            yield conversation


def _can_be_read(record: Record, root: Path, problems: Problems) -> bool:
    try:
        read_image(record, root)
    except PRSMedError as error:
        leave_out(record, error, problems)
        return False
    return True


def _nothing(root: Path, problems: Problems) -> str:
    if not problems.count:
        return f"no released annotations below {root}; put annotations/qa/*.csv beside data/, or a medseg*.json there"
    kind, paths = next(iter(problems.found.items()))
    return f"no usable annotation below {root} ({problems.count} left out, e.g. {paths[0]}: {kind}); mend them"
