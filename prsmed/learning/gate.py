"""The gate: a candidate goes live only if it is not worse than the live model on a fixed list of questions.

Both models answer the same questions, so differences are taken case by case, and patients or videos, not images, are
resampled for the interval of their mean (:mod:`prsmed.evaluation.statistics`). The rule:

1. Kinds of image are judged one by one, by Dice where the target is present. It is a loss when the mean falls by more
   than the margin, or by more than half of it when the interval leaves no doubt that it fell. A kind of fewer than
   :data:`LEAST_CASES` cases of :data:`LEAST_GROUPS` groups cannot be judged by its mean; there it is a loss when it
   falls by more than the margin and the interval leaves no doubt (from :data:`FEW_GROUPS` groups on).
2. Over all judged kinds together it must not have fallen for certain, however little: small losses add up.
3. Masks where the target is absent must not become more frequent by more than :data:`FALSE_MARGIN`.
4. Where no kind can be judged, nothing can be shown to be kept. Then the candidate must be better for certain, by more
   than the margin, on what there is.

Cases that the user has labelled since the live model was judged stand apart ("..., new"): a batch of bad labels, of
which a part is held out too, does not make up for what is lost on the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean
from typing import Any, Literal

from prsmed.errors import PRSMedError
from prsmed.evaluation.statistics import Estimate, Sample, macro_mean, mean

MARGIN = 0.02
FALSE_MARGIN = 0.05
LEAST_CASES, LEAST_GROUPS = 10, 5
LEAST_ABSENT = 20
FEW_GROUPS = 3
_ROUNDING = 1e-9
_SHOWN = 1e-3
Measure = Literal["dice", "false_mask"]
ALL = "all"
_TOGETHER = {"dice": "Dice", "false_mask": "masks of absent targets"}


@dataclass(frozen=True)
class Score:
    """How a model did on one question.

    Attributes:
        case: The question's id, the same for every model.
        modality: Kind of image.
        group: Patient, video or image; what is resampled together.
        is_users: Whether the case is one of the user's corrections, not of the preset's own images.
        dice: Where the target is present.
        false_mask: Where it is absent: whether anything was drawn.
    """

    case: str
    modality: str
    group: str
    is_users: bool = False
    dice: float | None = None
    false_mask: bool | None = None


@dataclass(frozen=True)
class Row:
    """Live and candidate on the cases of one kind.

    Attributes:
        measure: ``"dice"``, or ``"false_mask"``: share of absent targets with a mask.
        modality: The kind; :data:`ALL` over kinds.
        n: Cases.
        groups: Groups they belong to.
        live: Mean of the live model.
        candidate: Mean of the candidate.
        difference: Candidate less live.
        low: Lower end of its 95 % interval; ``None`` with one group only.
        high: Upper end, likewise.
        is_judged: Whether there are cases enough.
    """

    measure: Measure
    modality: str
    n: int
    groups: int
    live: float
    candidate: float
    difference: float
    low: float | None
    high: float | None
    is_judged: bool

    def __str__(self) -> str:
        interval = "" if self.low is None else f" [{self.low:+.3f}, {self.high:+.3f}]"
        name = self.modality.replace("_", " ") if self.modality != ALL else _TOGETHER[self.measure]
        if abs(self.difference) < _SHOWN / 2:
            return f"{name} (n={self.n}) stayed at {self.candidate:.3f}{interval}"
        means = f"{'rose' if self.difference > 0 else 'fell'} from {self.live:.3f} to {self.candidate:.3f}"
        return f"{name} (n={self.n}) {means}, {self.difference:+.3f}{interval}"


@dataclass(frozen=True)
class Verdict:
    """What the gate says.

    Attributes:
        promoted: Whether the candidate may go live.
        reason: Why, in one sentence.
        rows: Every kind, then all together.
        cases: Ids of the cases it was judged on.
    """

    promoted: bool
    reason: str
    rows: tuple[Row, ...]
    cases: tuple[str, ...]

    def metrics(self, of: Literal["live", "candidate"]) -> dict[str, float]:
        """The means of one model by name, e.g. ``{"dice/brain_mri": 0.71, "dice": 0.68, "false_mask": 0.02}``."""
        return {
            row.measure if row.modality == ALL else f"{row.measure}/{row.modality}": round(getattr(row, of), 4)
            for row in self.rows
        }

    def to_json(self) -> dict[str, Any]:
        """For the registry and for clients."""
        return asdict(self)


def compare(
    candidate: Sequence[Score],
    live: Sequence[Score],
    *,
    margin: float = MARGIN,
    known: Collection[str] = (),
) -> Verdict:
    """Judge a candidate against the live model.

    Args:
        candidate: Its scores.
        live: The live model's, on the same cases in any order.
        margin: Dice that may be lost on a kind of image.
        known: Cases that the live model was judged on before it went live; other cases of the user's are new.

    Raises:
        PRSMedError: ``unpaired`` when the cases are not the same.
    """
    pairs = _pair(candidate, live)
    kinds: dict[str, list[_Pair]] = defaultdict(list)
    for pair in pairs:
        if pair[0].dice is not None:
            kinds[_kind(pair[0], known)].append(pair)
    if not kinds:
        return Verdict(False, "rejected: there is no labelled case to judge it on; label more images", (), ())
    rows = [_row("dice", kind, kinds[kind]) for kind in sorted(kinds)]
    together = _together(rows, kinds)
    absent = [pair for pair in pairs if pair[0].false_mask is not None]
    false_masks = [_row("false_mask", ALL, absent)] if absent else []
    objections = _losses(rows, margin) or _losses_together(together, margin)
    objections += [f"{row}, allowed {FALSE_MARGIN:+.3f}" for row in false_masks if _is_more(row)]
    few = [row for row in rows if not row.is_judged]
    kept = f", no kind of image lost more than {margin:.3f}" if together.is_judged else ""
    told = [*objections] or [f"{together}{kept}"]
    if few:
        told.append(_too_few(few))
    cases = tuple(score.case for score, _ in pairs)
    reason = f"{'rejected' if objections else 'promoted'}: {'; '.join(told)}"
    return Verdict(not objections, reason, (*rows, together, *false_masks), cases)


_Pair = tuple[Score, Score]


def _pair(candidate: Sequence[Score], live: Sequence[Score]) -> list[_Pair]:
    """Candidate's and live model's score of each case, by case."""
    ours, theirs = ({score.case: score for score in scores} for scores in (candidate, live))
    if ours.keys() != theirs.keys() or len(ours) != len(candidate) or len(theirs) != len(live):
        raise PRSMedError(
            "unpaired", f"{len(candidate)} and {len(live)} scores are not of the same cases; score both on one list"
        )
    return [(ours[case], theirs[case]) for case in sorted(ours)]


def _kind(score: Score, known: Collection[str]) -> str:
    return f"{score.modality}, new" if score.is_users and score.case not in known else score.modality


def _row(measure: Measure, modality: str, pairs: Sequence[_Pair]) -> Row:
    ours, theirs = ([float(getattr(pair[side], measure)) for pair in pairs] for side in (0, 1))
    found = mean(_differences(measure, pairs))
    least = LEAST_CASES if measure == "dice" else LEAST_ABSENT
    is_judged = found.n >= least and found.groups >= LEAST_GROUPS
    return _make(measure, modality, found, fmean(theirs), fmean(ours), is_judged)


def _together(rows: Sequence[Row], kinds: dict[str, list[_Pair]]) -> Row:
    """The mean over the kinds that can be judged, each with the same weight; where none can, over all cases."""
    judged = [row for row in rows if row.is_judged]
    if not judged:
        return replace(_row("dice", ALL, [pair for row in rows for pair in kinds[row.modality]]), is_judged=False)
    found = macro_mean({row.modality: _differences("dice", kinds[row.modality]) for row in judged})
    live, candidate = (fmean(getattr(row, side) for row in judged) for side in ("live", "candidate"))
    return _make("dice", ALL, found, live, candidate, True)


def _differences(measure: Measure, pairs: Sequence[_Pair]) -> Sample:
    ours, theirs = ([float(getattr(pair[side], measure)) for pair in pairs] for side in (0, 1))
    return Sample([a - b for a, b in zip(ours, theirs, strict=True)], [pair[0].group for pair in pairs])


def _make(measure: Measure, modality: str, found: Estimate, live: float, candidate: float, is_judged: bool) -> Row:
    ends = found.value, found.low, found.high
    return Row(measure, modality, found.n, found.groups, live, candidate, *ends, is_judged)


def _losses(rows: Sequence[Row], margin: float) -> list[str]:
    """Objections to what was lost on one kind."""
    found = []
    for row in rows:
        drop, is_certain = -row.difference - _ROUNDING, row.high is not None and row.high < 0
        if drop > margin and (row.is_judged or (is_certain and row.groups >= FEW_GROUPS)):
            found.append(f"{row}, allowed {-margin:+.3f}")
        elif row.is_judged and is_certain and drop > margin / 2:
            found.append(f"{row}, allowed {-margin / 2:+.3f} where it is certain")
    return found


def _losses_together(together: Row, margin: float) -> list[str]:
    """Objections to what was lost over all kinds, or not gained where no kind can be judged."""
    if together.is_judged:
        is_loss = together.high is not None and together.high < 0
        return [f"{together} over all kinds, where no certain loss is allowed"] if is_loss else []
    is_certain = together.low is not None and together.low > 0
    if is_certain and together.groups >= FEW_GROUPS and together.difference > margin + _ROUNDING:
        return []
    return [f"{together}, but where no kind can be judged a certain gain is asked for"]


def _is_more(false_masks: Row) -> bool:
    return false_masks.is_judged and false_masks.difference > FALSE_MARGIN + _ROUNDING


def _too_few(rows: Sequence[Row]) -> str:
    kinds = ", ".join(f"{row.modality.replace('_', ' ')} (n={row.n})" for row in rows)
    return f"too few cases to judge {kinds}: it takes {LEAST_CASES} of {LEAST_GROUPS} patients, so label more images"
