"""BLEU and ROUGE of answers: how alike the words are. They do not tell whether the place is right.

"In the top left" and "in the top right" share most words, and two true sentences may share few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics.bleu import BLEU

from prsmed.evaluation.outcome import Outcome
from prsmed.evaluation.summary import MACRO, Row, estimate_row
from prsmed.evaluation.tables import Cell, Table

_ROUGE = ("rouge1", "rougeL")
_SCORER = RougeScorer(_ROUGE, use_stemmer=True)
_ALONE, _CORPUS = BLEU(smooth_method="none"), BLEU()
_LEGEND = (
    ("BLEU", "Mean over answers, 1 to 4 words in a row, no smoothing: 0 unless four words in a row are the true ones."),
    ("ROUGE-1", "Mean over answers of the F-measure of words, stemmed."),
    ("ROUGE-L", "The same of the longest common sequence of words."),
    ("BLEU, corpus", "One BLEU over all answers of the row; macro: the mean over modalities."),
)


@dataclass(frozen=True)
class TextMetrics:
    """Overlap of answers with the true ones, 0..1.

    Attributes:
        rows: Estimates by metric: ``bleu``, ``rouge1``, ``rougeL``.
        corpus_bleu: By modality, and under ``macro`` their mean.
        signature: How sacrebleu computed the corpus figure, in its own words.
    """

    rows: dict[str, Row]
    corpus_bleu: dict[str, float]
    signature: str

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def table(self) -> Table:
        """A row a modality, the macro mean last."""
        rows = tuple(
            (
                Cell(part.replace("_", " ")),
                Cell.count(counted.n, counted.groups),
                *(Cell.of(row[part]) for row in self.rows.values()),
                Cell(f"{self.corpus_bleu[part]:.3f}"),
            )
            for part, counted in self.rows["bleu"].items()
        )
        header = ("Modality", "Answers", *(title for title, _ in _LEGEND))
        legend = (*_LEGEND, ("sacrebleu", self.signature))
        return Table("Words in common with the true answer", header, rows, legend)


def text_metrics(outcomes: Sequence[Outcome]) -> TextMetrics | None:
    """Compare answers with the true ones: each answer for itself and then the mean, as the papers' code does.

    Its BLEU is that of Papineni et al. (2002) on single sentences; ROUGE is Lin's (2004).

    Args:
        outcomes: Those without words are not counted.

    Returns:
        ``None`` when no answer has words.
    """
    spoken = [(outcome, outcome.text) for outcome in outcomes if outcome.text is not None]
    if not spoken:
        return None
    scores = {outcome.id: _scores(outcome.true_answer, text) for outcome, text in spoken}

    def score(name: str, outcome: Outcome) -> float | None:
        return scores.get(outcome.id, {}).get(name)

    rows = {name: estimate_row(partial(score, name), outcomes) for name in ("bleu", *_ROUGE)}
    parts = {}
    for modality in sorted({outcome.modality for outcome, _ in spoken}):
        own = [(text, outcome.true_answer) for outcome, text in spoken if outcome.modality == modality]
        parts[modality] = _bleu(_CORPUS, *zip(*own, strict=True))
    corpus = {**parts, MACRO: float(np.mean(list(parts.values())))}
    return TextMetrics(rows, corpus, str(_CORPUS.get_signature()))


def _scores(truth: str, text: str) -> dict[str, float]:
    rouge = _SCORER.score(truth, text)
    return {"bleu": _bleu(_ALONE, [text], [truth]), **{name: rouge[name].fmeasure for name in _ROUGE}}


def _bleu(bleu: BLEU, texts: Sequence[str], truths: Sequence[str]) -> float:
    return float(bleu.corpus_score(texts, [truths]).score) / 100
