"""The gate: a candidate goes live only if it is not worse than the live model on a fixed list of questions.

Both models answer the same questions, so differences are taken case by case, and patients or videos, not images, are
resampled for the interval of their mean (:mod:`prsmed.evaluation.statistics`). The rule:

1. Kinds of image are judged one by one, by Dice where the target is present. A kind is judged from
   :data:`LEAST_CASES` cases of :data:`LEAST_GROUPS` groups on. It is a loss when the mean falls by more than the
   margin, or by more than half of it when the interval leaves no doubt that it fell.
2. Over all judged kinds together it must not have fallen for certain, however little: small losses add up.
3. Masks where the target is absent must not become more frequent by more than :data:`FALSE_MARGIN`.
4. Where no kind has enough cases, nothing can be shown to be kept. Then the candidate must be better for certain, by
   more than the margin, on what there is.

Cases that the user has labelled since the live model was judged stand apart ("..., new"): a batch of bad labels, of
which a part is held out too, does not make up for what is lost on the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any, Literal

from prsmed.errors import PRSMedError
from prsmed.evaluation.statistics import Estimate, Sample, macro_mean, mean

MARGIN = 0.02
FALSE_MARGIN = 0.05
LEAST_CASES, LEAST_GROUPS = 10, 5
LEAST_ABSENT = 20
_FEW_GROUPS = 3
_ROUNDING = 1e-9
ALL = "all"


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

    measure: Literal["dice", "false_mask"]
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
        name = "Dice" if self.modality == ALL else self.modality.replace("_", " ")
        way = "rose" if self.difference > 0 else "fell"
        return (
            f"{name} (n={self.n}) {way} from {self.live:.3f} to {self.candidate:.3f}, {self.difference:+.3f}{interval}"
        )


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
    rows = [_row("dice", kind, kinds[kind]) for kind in sorted(kinds)]
    judged = [row for row in rows if row.is_judged]
    few = [row for row in rows if not row.is_judged]
    objections = [f"{row}, allowed {-margin:+.3f}" for row in judged if _is_loss(row, margin)]
    if judged:
        together = _macro(judged, kinds)
        if not objections and _is_certain(together, below=True):
            objections.append(f"{together} over all kinds, and no certain loss is allowed there")
    elif few:
        together = _row("dice", ALL, [pair for kind in sorted(kinds) for pair in kinds[kind]])
        if not _is_gain(together, margin):
            objections.append(f"{_too_few(few)}, and not better for certain on what there is: {together}")
    else:
        return Verdict(False, "rejected: there is no labelled case to judge it on; label more images", (), ())
    rows.append(together)
    absent = [pair for pair in pairs if pair[0].false_mask is not None]
    if absent:
        rows.append(_row("false_mask", ALL, absent))
        if rows[-1].is_judged and rows[-1].difference > FALSE_MARGIN + _ROUNDING:
            objections.append(_false_masks(rows[-1]))
    told = objections or [f"{together}{f', no kind of image lost more than {margin:.3f}' if judged else ''}"]
    if few and (judged or not objections):
        told.append(_too_few(few))
    verdict = "rejected" if objections else "promoted"
    cases = tuple(score.case for score, _ in pairs)
    return Verdict(not objections, f"{verdict}: {'; '.join(told)}", tuple(rows), cases)


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


def _row(measure: Literal["dice", "false_mask"], modality: str, pairs: Sequence[_Pair]) -> Row:
    ours, theirs = ([float(getattr(pair[side], measure)) for pair in pairs] for side in (0, 1))
    found = mean(Sample([a - b for a, b in zip(ours, theirs, strict=True)], [pair[0].group for pair in pairs]))
    least = LEAST_CASES if measure == "dice" else LEAST_ABSENT
    is_judged = found.n >= least and found.groups >= LEAST_GROUPS and (modality != ALL or measure == "false_mask")
    return _make(measure, modality, found, fmean(theirs), fmean(ours), is_judged)


def _macro(judged: Sequence[Row], kinds: dict[str, list[_Pair]]) -> Row:
    """The mean over kinds, each with the same weight."""
    differences = {
        row.modality: Sample([_gain(pair) for pair in kinds[row.modality]], [p[0].group for p in kinds[row.modality]])
        for row in judged
    }
    live, candidate = (fmean(getattr(row, side) for row in judged) for side in ("live", "candidate"))
    return _make("dice", ALL, macro_mean(differences), live, candidate, True)


def _gain(pair: _Pair) -> float:
    ours, theirs = pair[0].dice, pair[1].dice
    assert ours is not None
    assert theirs is not None
    return ours - theirs


def _make(
    measure: Literal["dice", "false_mask"], modality: str, found: Estimate, live: float, candidate: float, judged: bool
) -> Row:
    return Row(
        measure, modality, found.n, found.groups, live, candidate, found.value, found.low, found.high, is_judged=judged
    )


def _is_loss(row: Row, margin: float) -> bool:
    drop = -row.difference - _ROUNDING
    return drop > margin or (drop > margin / 2 and _is_certain(row, below=True))


def _is_certain(row: Row, *, below: bool) -> bool:
    """Whether all of the interval lies on one side of zero."""
    if row.low is None or row.high is None:
        return False
    return row.high < 0 if below else row.low > 0


def _false_masks(row: Row) -> str:
    return (
        f"masks of absent targets (n={row.n}) rose from {row.live:.3f} to {row.candidate:.3f}, {row.difference:+.3f}, "
        f"allowed {FALSE_MARGIN:+.3f}"
    )


def _is_gain(row: Row, margin: float) -> bool:
    return row.groups >= _FEW_GROUPS and row.difference > margin + _ROUNDING and _is_certain(row, below=False)


def _too_few(rows: Sequence[Row]) -> str:
    kinds = ", ".join(f"{row.modality.replace('_', ' ')} (n={row.n})" for row in rows)
    return f"too few cases to judge {kinds}: it takes {LEAST_CASES} of {LEAST_GROUPS} patients, so label more images"
