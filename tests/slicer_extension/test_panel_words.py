"""What stands in the panel: verdicts, reports, pages, conversations; without a window."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from PRSMedLib.answer import AGREE, DISAGREE, NOT_COMPARED, NOT_PRESENT, Answer, badge
from PRSMedLib.conversation import Conversation, Turn
from PRSMedLib.page import conversationPage, target
from PRSMedLib.problem import Problem
from PRSMedLib.questions import guessModality, remember, suggested
from PRSMedLib.report import reportText

TOLD: dict[str, Any] = {
    "answer": "The tumour is in the top left <of> the image.",
    "present": {"probability": 0.97, "threshold": 0.5},
    "findings": [
        {
            "label": 1,
            "name": "tumour",
            "zone": "top left",
            "near_center": False,
            "patient_side": "right",
            "centroid_ras_mm": [1, 2, 3],
            "centroid_ijk": [4.5, 5, 6],
            "longest_diameter_mm": 23.1,
            "area_mm2": 310.0,
            "volume_mm3": None,
            "confidence": 0.9,
        }
    ],
    "agreement": {"text_zone": "top left", "mask_zone": "top left", "agrees": True},
    "label_names": {"tumour": 1},
    "conversation": "c",
    "model": {"version": "nano-1", "sha256": "0"},
    "view": {"mode": "slice", "plane": "axial", "slice": 4},
}
WHOLE = Answer.fromServer(TOLD)
EMPTY = replace(WHOLE, findings=(), maskZone="none")


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (WHOLE, AGREE),
        (replace(WHOLE, agrees=False), DISAGREE),
        (replace(WHOLE, agrees=None), NOT_COMPARED),
        (replace(EMPTY, textZone="none"), NOT_PRESENT),
        (replace(EMPTY, agrees=None, probability=0.1), NOT_PRESENT),
        (replace(EMPTY, agrees=None, probability=0.93), NOT_COMPARED),
        (replace(EMPTY, agrees=None, probability=None), NOT_COMPARED),
        (replace(EMPTY, agrees=False), DISAGREE),
    ],
    ids=["agree", "disagree", "no place", "said", "improbable", "probable", "untold", "words only"],
)
def test_verdicts(answer: Answer, verdict: str) -> None:
    assert answer.verdict == verdict
    assert badge(answer)


def test_an_answer_survives_the_scene_and_what_a_later_version_adds() -> None:
    kept = WHOLE.toJson()
    assert Answer.fromJson(kept) == WHOLE
    assert Answer.fromJson({**kept, "mood": "sunny"}) == WHOLE


def test_a_conversation_survives_the_scene() -> None:
    turns = [
        Turn(
            "Where | is <it>; “ü”?", "axial slice 4", answer=WHOLE, state="answered", segmentIds=["a"], digests={"a": 7}
        )
    ]
    kept = Conversation(turns, "server-1")
    assert Conversation.fromJson(kept.toJson()) == kept
    cut = Conversation([Turn("Where?", "the image")])
    assert Conversation.fromJson(cut.toJson()).turns[0].state == "interrupted"


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "null", '{"format": 1}', '{"format": 1, "turns": [3]}', '{"format": 99}']
)
def test_damaged_conversations_are_told(text: str) -> None:
    with pytest.raises(Problem) as caught:
        Conversation.fromJson(text)
    assert caught.value.code == ("newer_conversation" if "99" in text else "bad_conversation")


def test_a_report_holds_whole_answers_only() -> None:
    whole = Turn("Where is the tumour?", "axial slice 4", answer=WHOLE, state="answered")
    half = Turn("Is there a cyst?", "axial slice 4", answer=Answer(text="There is no"), state="interrupted")
    undone = Turn("And here?", "axial slice 5", answer=WHOLE, state="answered", isUndone=True)
    text = reportText([whole, half, undone])
    assert "There is no" not in text
    assert "tumour: top left of the image, patient's right; 23 mm, 310 mm²" in text
    assert text.count("taken back") == 1
    assert text.endswith("Research use only. Not a medical device.")


def test_a_page_shows_words_as_text_and_links_findings() -> None:
    turns = [
        Turn("Where <b>?", "axial slice 4", answer=WHOLE, state="answered"),
        Turn("And?", "whole volume", state="failed", problem="No server listens at http://x."),
    ]
    page = conversationPage(turns)
    assert "&lt;of&gt;" in page
    assert "Where &lt;b&gt;?" in page
    assert "words and mask agree" in page
    assert "No server listens" in page
    found = target("finding:0/0", turns)
    assert found is not None
    assert found == (turns[0], 0)
    for link in ("finding:0/1", "finding:1/0", "finding:9/0", "finding:-1/0", "http://x", "finding:a/b", ""):
        assert target(link, turns) is None


def test_questions_fit_the_image_and_are_remembered_once() -> None:
    assert guessModality("", True, 0) == "photo"
    assert guessModality("", False, -1000) == "CT"
    assert guessModality("US", False, 0) == "US"
    assert "Where is the lung nodule?" in suggested("CT")
    assert suggested("ES") == suggested("photo")
    assert suggested("") == suggested("nonsense") != ()
    assert remember(["a", "b"], "b") == ["b", "a"]
    assert len(remember([str(number) for number in range(99)], "new")) < 20
