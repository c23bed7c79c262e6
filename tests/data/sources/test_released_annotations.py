from __future__ import annotations

import json
from pathlib import Path

import pytest
from miniature_files import pairs
from miniatures import MINIATURES

from prsmed.data.problems import Problems
from prsmed.data.schema import Conversation, from_line, to_line
from prsmed.data.sources import medseg_qa_turns, prs_med_csv

V1 = "image_path,image_name,split,description,position"
V2 = "image_path,image_name,split,question,answer,position"
SENTENCE = "The tumor resides in position top right and close to the center."
ASK = "Where is the tumour?"
BRAIN = "brain_tumors_ct_scan"


def _released(root: Path, header: str, *rows: str) -> tuple[list[Conversation], Problems]:
    for part, image, drawn in (
        (BRAIN, "train_images/1.png", "train_masks/1.png"),
        (BRAIN, "test_images/2.png", "test_masks/2.png"),
        ("skin_rgbimage", "test_images/ISIC_0000003.jpg", "test_masks/ISIC_0000003_Segmentation.png"),
    ):
        pairs(root / "data" / part, (image, drawn))
    (root / "annotations/qa").mkdir(parents=True)
    (root / f"annotations/qa/{BRAIN}.csv").write_text("\n".join((header, *rows)))
    problems = Problems()
    return list(prs_med_csv.read_annotations(root, root, problems)), problems


def test_the_path_of_the_mask_names_the_image(tmp_path: Path) -> None:
    rows = (
        f'{BRAIN}/train_masks/1.png,1.png,train,{ASK},"At the top right, near the center.",{SENTENCE}',
        f"{BRAIN}\\test_masks\\2.png,2.png,test,{ASK},,In the center.",
        f"skin_rgbimage/test_masks/ISIC_0000003_Segmentation.png,ISIC_0000003,test,{ASK},At the bottom left.,",
    )
    conversations, problems = _released(tmp_path, V2, *rows)
    assert not problems.count
    assert [conversation.record.image for conversation in conversations] == [
        f"data/{BRAIN}/train_images/1.png",
        f"data/{BRAIN}/test_images/2.png",
        "data/skin_rgbimage/test_images/ISIC_0000003.jpg",
    ]
    assert [(c.turn.positions[0].zone, c.turn.positions[0].near_center) for c in conversations] == [
        ("top right", True),
        ("center", True),
        ("bottom left", False),
    ]
    assert [conversation.record.split for conversation in conversations] == ["train", "test", "test"]
    assert conversations[0].turn.question == ASK
    assert conversations[0].turn.answer == "At the top right, near the center."
    assert [from_line(to_line(conversation)) for conversation in conversations] == conversations


@pytest.mark.parametrize(
    ("header", "row", "answer"),
    [
        (
            V2,
            f"{{}},1.png,train,{ASK},It is, as seen, at the top right.,{SENTENCE}",
            "It is, as seen, at the top right.",
        ),
        (V2, f'{{}},1.png,train,{ASK},"It is at the top right,{SENTENCE}', "It is at the top right"),
        (V2, f'{{}},1.png,train,{ASK},"One line\nand, top right.",{SENTENCE}', "One line\nand, top right."),
        (V1, f"{{}},1.png,train,A mass, bright, with oedema.,{SENTENCE}", SENTENCE),
    ],
    ids=["commas", "open quote", "two lines", "schema 1"],
)
def test_broken_quoting_is_mended_and_costs_no_other_row(tmp_path: Path, header: str, row: str, answer: str) -> None:
    second = (
        f"{BRAIN}/test_masks/2.png,2.png,test," + ("x," if header == V1 else f"{ASK},At the top right.,") + SENTENCE
    )
    conversations, problems = _released(tmp_path, header, row.format(f"{BRAIN}/train_masks/1.png"), second)
    assert not problems.count
    assert [Path(conversation.record.image).name for conversation in conversations] == ["1.png", "2.png"]
    assert conversations[0].turn.answer == answer
    assert conversations[0].turn.positions[0].zone == "top right"


@pytest.mark.parametrize(
    "row",
    [
        f"{BRAIN}/train_masks/9.png,9.png,train,{ASK},At the top right.,{SENTENCE}",
        f"{BRAIN}/train_masks/1.png,1.png,train,{ASK},In the middle.,{SENTENCE}",
        f"{BRAIN}/train_masks/1.png,1.png,train,{ASK},A mass.,Somewhere.",
        f"{BRAIN}/train_masks/1.png,1.png",
        "1.png,1.png,train,a,b,c",
    ],
    ids=["no such image", "answer and position disagree", "no place", "short", "no folder"],
)
def test_a_bad_row_is_noted_with_its_line(tmp_path: Path, row: str) -> None:
    good = f"{BRAIN}/test_masks/2.png,2.png,test,{ASK},At the top right.,{SENTENCE}"
    conversations, problems = _released(tmp_path, V2, row, good)
    assert [Path(conversation.record.image).name for conversation in conversations] == ["2.png"]
    assert problems.found == {"bad row": [f"annotations/qa/{BRAIN}.csv:2"]}


def _medseg(root: Path) -> tuple[list[Conversation], Problems]:
    MINIATURES["medseg_qa"].write(root)
    problems = Problems()
    return list(medseg_qa_turns.read_annotations(root, root, problems)), problems


def test_a_conversation_for_every_label(tmp_path: Path) -> None:
    conversations, problems = _medseg(tmp_path)
    turns = [conversation.turn for conversation in conversations]
    assert [(turn.target, turn.answer) for turn in turns] == [
        ("liver", "The liver."),
        ("cyst", "A cyst at the bottom right."),
        ("liver", "It is."),
    ]
    # The first and the last name no place: it is that of the mask.
    assert [turn.positions[0].zone for turn in turns] == ["top left", "bottom right", "top left"]
    assert [conversation.review and conversation.review.by for conversation in conversations] == ["dr", "dr", None]
    assert problems.found["bad row"] == ["medseg_qa.json:4"]
    assert len({conversation.id for conversation in conversations}) == 3


def test_turns_are_sorted_by_what_they_point_at(tmp_path: Path) -> None:
    pairs(tmp_path, ("a.png", "m.png"))
    liver, stone = {"label": "liver", "mask": "m.png"}, {"label": "stone"}
    said = [
        ("user", "Is there a stone?", []),
        ("assistant", "No.", [stone]),
        ("user", "Which organ makes bile?", []),
        ("assistant", "At the top left [SEG].", [liver]),
        ("user", "Thanks.", []),
        ("assistant", "You are welcome.", []),
        ("user", "Once more, where?", []),
        ("assistant", "[SEG]", [liver]),
        ("user", "Compare both.", []),
        ("assistant", "Only one is there.", [liver, stone]),
    ]
    turns = [{"role": role, "text": text, "targets": targets} for role, text, targets in said]
    lines = [json.dumps({"image": "a.png", "turns": turns}), "{broken"]
    (tmp_path / "my_medseg.jsonl").write_text("\n".join(lines))
    problems = Problems()
    absent, dialogue = medseg_qa_turns.read_annotations(tmp_path, tmp_path, problems)
    assert (absent.kind, absent.record.mask, absent.turn.present, absent.turn.positions) == ("absent", None, False, ())
    assert dialogue.kind == "dialogue"
    assert [(turn.question, turn.positions[0].zone) for turn in dialogue.turns] == [
        ("Which organ makes bile?", "top left"),
        ("Once more, where?", "top left"),
    ]
    assert problems.found == {"bad row": ["my_medseg.jsonl:1"]}
