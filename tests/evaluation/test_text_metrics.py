"""BLEU and ROUGE, against another library and by hand."""

from __future__ import annotations

import pytest
from evaluation_set import outcome
from nltk.translate.bleu_score import corpus_bleu, sentence_bleu

from prsmed.evaluation.outcome import Outcome
from prsmed.evaluation.text_metrics import text_metrics

TRUTH = "the polyp is in the top left of the image"


def answers(*texts: str | None, **changes: object) -> list[Outcome]:
    return [
        outcome(id=f"{changes}{n}", group=f"g{n}", text=text, true_answer=TRUTH, **changes)
        for n, text in enumerate(texts)
    ]


def test_bleu_is_that_of_another_library() -> None:
    texts = ("the polyp is in the top right of the image", "a polyp is in the top left", TRUTH)
    found = text_metrics(answers(*texts))
    assert found is not None
    single = [sentence_bleu([TRUTH.split()], text.split()) for text in texts]
    assert found.rows["bleu"]["macro"].value == pytest.approx(sum(single) / 3)
    whole = corpus_bleu([[TRUTH.split()]] * 3, [text.split() for text in texts])
    assert found.corpus_bleu == {"brain_mri": pytest.approx(whole), "macro": pytest.approx(whole)}
    assert "smooth:exp" in found.signature


def test_rouge_by_hand() -> None:
    # 5 of 6 words are among the 10 true ones, 5 in their order; "polyps" has the stem of "polyp".
    found = text_metrics(answers("polyps in the top left corner"))
    assert found is not None
    for name in ("rouge1", "rougeL"):
        assert found.rows[name]["brain_mri"].value == pytest.approx(2 * (5 / 6) * (5 / 10) / (5 / 6 + 5 / 10))
    swapped = text_metrics(answers("left top"))
    assert swapped is not None
    assert swapped.rows["rouge1"]["macro"].value == pytest.approx(2 * 1 * 0.2 / 1.2)
    assert swapped.rows["rougeL"]["macro"].value == pytest.approx(2 * 0.5 * 0.1 / 0.6)


@pytest.mark.parametrize("text", ["", "polyp", "in the top", "…"])
def test_short_answers_have_no_bleu(text: str) -> None:
    found = text_metrics(answers(text))
    assert found is not None
    assert found.rows["bleu"]["macro"].value == 0


def test_modalities_weigh_alike_and_answers_without_words_do_not_count() -> None:
    found = text_metrics([*answers(TRUTH, TRUTH, None), *answers("no", modality="polyp_endoscopy")])
    assert found is not None
    assert found.rows["rouge1"]["macro"].value == pytest.approx(0.5)
    assert found.corpus_bleu["macro"] == pytest.approx(0.5)
    table = found.table()
    assert [row[0].figure for row in table.rows] == ["brain mri", "polyp endoscopy", "macro"]
    assert [(row[1].figure, row[1].interval) for row in table.rows] == [("2", "(2)"), ("1", "(1)"), ("3", "(3)")]
    assert found.to_json()["corpus_bleu"] == found.corpus_bleu


def test_without_words_there_is_nothing_to_compare() -> None:
    assert text_metrics(answers(None)) is None
