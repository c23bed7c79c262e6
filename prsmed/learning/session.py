"""A training from corrections in a process of its own: ``python -m prsmed.learning.session FOLDER PARENT``.

FOLDER/job.json    what to do (:class:`~prsmed.learning.job.Job`)
FOLDER/stats.json  how it is going (:class:`~prsmed.learning.progress.Stats`)
FOLDER/run/        pictures of the corrections, the run's state, the new checkpoint; whoever started this deletes it

It loads the live checkpoint to train it, then the candidate, then the live one to compare them: never two at a time.
It may be killed at any point.
"""

from __future__ import annotations

import hashlib
import os
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from prsmed.data import phantom_records
from prsmed.errors import PRSMedError
from prsmed.learning.adapt import adapt
from prsmed.learning.exam import Case, own_cases, score, set_exam
from prsmed.learning.gate import Verdict, compare
from prsmed.learning.job import Job
from prsmed.learning.memory import wait_for_memory
from prsmed.learning.parent import die_with
from prsmed.learning.progress import Reporter
from prsmed.learning.registry import Registry
from prsmed.learning.slices import Lesson, draw_lessons
from prsmed.learning.split import held_out_groups
from prsmed.learning.version import Version, VersionFacts

JOB, STATS, RUN = "job.json", "stats.json", "run"
_NICENESS = 10
# Drawn images are always there to tell what was forgotten: every fifth is held out.
_PHANTOMS = 300


def main(folder: Path, parent: int) -> int:
    """Do the job in ``folder`` for the process ``parent``; the exit status."""
    die_with(parent)
    os.nice(_NICENESS)
    job, reporter = Job.read(folder / JOB), Reporter(folder / STATS)
    try:
        run(job, folder / RUN, reporter)
    except PRSMedError as error:
        reporter.tell(status="failed", error=str(error))
        return 1
    except Exception as error:
        traceback.print_exc()
        reporter.tell(status="failed", error=f"the training failed ({type(error).__name__}); the server's log says why")
        return 1
    return 0


def run(job: Job, folder: Path, reporter: Reporter) -> None:
    """Read, train, judge.

    Raises:
        PRSMedError: ``no_corrections``; what :func:`~prsmed.learning.adapt.adapt` and the registry raise.
    """
    registry = Registry(job.versions, job.base)
    live = registry.live()
    reporter.tell(quarantined=list(job.quarantined))
    if job.waits:
        reporter.tell(status="waiting")
        wait_for_memory(live.path, job.device)
    reporter.tell(status="reading")
    pictures = folder / "pictures"
    pictures.mkdir(parents=True)
    lessons = _read(job, pictures, reporter)
    held = held_out_groups({lesson.record.group for lesson in lessons})
    taught = [lesson for lesson in lessons if lesson.record.group not in held]
    kept = [lesson for lesson in lessons if lesson.record.group in held]
    if not taught:
        raise PRSMedError("no_corrections", _nothing_to_learn(job, reporter, len(held)))
    reporter.tell(status="training", steps=job.config.steps)
    checkpoint = adapt(
        live.path,
        taught,
        pictures,
        folder,
        job.config,
        lambda done: reporter.tell_step(done.step, done.steps, sum(done.losses.values()), done.dice),
        check=[lesson for lesson in kept if lesson.record.mask],
        replay=job.replay,
        device=job.device,
    )
    facts = VersionFacts(
        parent=live.name,
        data_sha256=_hash(taught, pictures),
        corrections=reporter.stats.corrections,
        data={
            "pictures": dict(sorted(Counter(lesson.record.target for lesson in taught).items())),
            "held_out_pictures": len(kept),
            "quarantined": len(reporter.stats.quarantined),
            "has_replay": job.replay is not None,
        },
        reason=f"trained on {reporter.stats.corrections} corrections",
        who=job.who,
    )
    version = registry.add(checkpoint, facts)
    reporter.tell(status="validating", version=version.name)
    verdict = _judge(job, version, live, registry, kept, pictures, reporter)
    registry.decide(version.name, verdict, job.who, live.name)
    registry.prune(job.keep)
    reporter.tell(status="done", outcome={"promoted": verdict.promoted, "reason": verdict.reason})


def _read(job: Job, pictures: Path, reporter: Reporter) -> list[Lesson]:
    """The pictures of every correction; one that cannot be used is told and passed over."""
    lessons: list[Lesson] = []
    for correction in job.corrections:
        try:
            drawn = draw_lessons(correction, pictures)
        except PRSMedError as error:
            reason = str(error)
        except Exception as error:  # what a damaged file makes a reader raise is endless, and no reason to stop
            reason = f"image or label cannot be read ({type(error).__name__}); save the label anew"
        else:
            lessons += drawn
            reporter.tell(corrections=reporter.stats.corrections + 1)
            continue
        reporter.tell(quarantined=[*reporter.stats.quarantined, {"image": correction.image, "reason": reason}])
    return lessons


def _judge(
    job: Job,
    version: Version,
    live: Version,
    registry: Registry,
    kept: Sequence[Lesson],
    pictures: Path,
    reporter: Reporter,
) -> Verdict:
    drawn = [Case(record, pictures) for record in phantom_records(_PHANTOMS, 0) if record.split == "val"]
    users = [Case(lesson.record, pictures, is_users=True) for lesson in kept]
    exam = set_exam([*own_cases(job.replay), *drawn, *users])
    total = len(exam.questions)

    def report(before: int) -> Callable[[int, int], None]:
        return lambda done, _: reporter.tell_left(before + done, 2 * total)

    scores = [score(model.path, exam, report(before), job.device) for model, before in ((version, 0), (live, total))]
    return compare(scores[0], scores[1], margin=job.margin, known=registry.judged(live.name))


def _hash(lessons: Sequence[Lesson], pictures: Path) -> str:
    """Of what is learnt: pictures, masks, names and questions."""
    digest = hashlib.sha256()
    for lesson in sorted(lessons, key=lambda lesson: lesson.record.image):
        record = lesson.record
        digest.update(f"{record.image}\0{record.target}\0{lesson.question}\0".encode())
        for name in (record.image, *([record.mask] if record.mask else [])):
            digest.update(hashlib.sha256((pictures / name).read_bytes()).digest())
    return digest.hexdigest()


def _nothing_to_learn(job: Job, reporter: Reporter, num_held_out: int) -> str:
    if num_held_out:
        return f"the {num_held_out} labelled studies are all kept for the gate; correct more studies"
    if reporter.stats.quarantined:
        return f"none of the {len(reporter.stats.quarantined)} labels can be used; 'quarantined' says why of each"
    return "no label is submitted yet; save corrected labels with the tag 'final'"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
