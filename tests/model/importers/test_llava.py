"""The LLaVA family from its authors' layout."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import torch
from llava_folders import TOWER, vocabulary, words, write_clip, write_llava
from plain_llava import next_token
from safetensors.torch import save_file
from torch import Tensor

from prsmed.model.config import PretrainedLanguageConfig
from prsmed.model.importers.llava import import_llava
from prsmed.model.language import Role
from prsmed.model.load_language import load_language
from prsmed.model.pretrained import PretrainedLanguage

SIDE = 28
QUESTION = "Where is the tumour? It is  12 mm, größer"
CLOSE = {"atol": 1e-4, "rtol": 1e-4}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PRSMED_PARTS", str(tmp_path / "parts"))
    return tmp_path / "parts"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "published"


def load(name: str, prompt: str = "prs_med") -> PretrainedLanguage:
    config = replace(PretrainedLanguageConfig(part=name, tuning="frozen"), prompt=prompt)
    return load_language(config, seg=False).eval()


def pixels() -> Tensor:
    return (torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0)) * 255).round() / 255


def clip(image: Tensor) -> Tensor:
    mean, std = torch.tensor([0.48145466, 0.4578275, 0.40821073]), torch.tensor([0.26862954, 0.26130258, 0.27577711])
    return (image[0] - mean.view(3, 1, 1)) / std.view(3, 1, 1)


def spoken(language: PretrainedLanguage) -> Tensor:
    context = language.read_questions(language.encode_questions([QUESTION]), language.look(pixels()))
    return language.logits(context.last(Role.TEXT))[0, : vocabulary()]


def chunked(text: str) -> list[list[int]]:
    """The original tokenisation of a prompt: the pieces around the image apart, the start token once."""
    model = sentencepiece.SentencePieceProcessor(model_proto=words())
    first, *rest = (model.encode(piece) if piece else [] for piece in text.split("<image>"))
    return [[1, *first], *rest]


@torch.no_grad()
@pytest.mark.parametrize(("family", "theta"), [("llava-med", 1e6), ("llava-1.5", 1e4)])
@pytest.mark.parametrize("stock", [False, True], ids=["own tower", "stock tower"])
def test_it_says_what_the_original_weights_say(
    family: Any, theta: float, stock: bool, folder: Path, tmp_path: Path
) -> None:
    weights = write_llava(folder, family)
    vision = None
    if stock:
        vision = tmp_path / "clip"
        tower = write_clip(vision)
        weights |= {TOWER + key.removeprefix("vision_model."): tensor for key, tensor in tower.items()}
    part = import_llava(folder, family, vision=vision)
    assert part.facts["vision_weights"] == ("openai" if stock else "checkpoint")
    language = load(family)
    before, after = chunked(f"<image>\n### User: {QUESTION} \n### Assistant: \n")
    expected = next_token(weights, before, clip(pixels()), after, theta)
    torch.testing.assert_close(spoken(language), expected, **CLOSE)


@pytest.mark.parametrize(
    "text",
    [
        "\n### User: Where is the tumour? \n### Assistant: \n",
        " \nwhere is it?",
        "  two blanks  and  more ",
        "12 mm, 3.5 cm",
        "größer? naïve ñ 肿瘤 \t tab",
        "[INST] x [/INST] y",
        "line\n\n\nline",
    ],
)
def test_a_piece_of_text_is_tokenised_as_sentencepiece_does(text: str, folder: Path) -> None:
    write_llava(folder, "llava-med")
    import_llava(folder, "llava-med")
    language = load("llava-med")
    assert language.ids_of(text) == sentencepiece.SentencePieceProcessor(model_proto=words()).encode(text)


def test_a_prompt_is_tokenised_as_the_original_does(folder: Path) -> None:
    write_llava(folder, "llava-med")
    import_llava(folder, "llava-med")
    language = load("llava-med")
    before, after = chunked(f"<image>\n### User: {QUESTION} \n### Assistant: \n")
    ids = language.inputs(pixels())["input_ids"][0].tolist()
    image = [language.vlm.config.image_token_id] * 4
    assert ids + language.encode_questions([QUESTION]).ids[0].tolist() == before + image + after
    assert language.end_id == 2


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        ("llava-med", "[INST] <image>\nq1 [/INST] a1</s>[INST] q2 [/INST]"),
        ("llava-1.5", "USER: <image>\nq1 ASSISTANT: a1</s>USER: q2 ASSISTANT:"),
    ],
)
def test_conversations_are_those_of_the_family(family: Any, expected: str, folder: Path) -> None:
    write_llava(folder, family)
    import_llava(folder, family)
    language = load(family, "chat")
    assert language.prompt.start + language.prompt.after("q2", [("q1", "a1")]) == expected
    assert language.end_id == 2


@torch.no_grad()
def test_pickled_shards_and_a_tower_from_elsewhere(folder: Path, tmp_path: Path) -> None:
    weights = write_llava(folder, "llava-1.5", tower=False, pickled=True)
    tower = write_clip(tmp_path / "clip")
    import_llava(folder, "llava-1.5", vision=tmp_path / "clip")
    weights |= {TOWER + key.removeprefix("vision_model."): tensor for key, tensor in tower.items()}
    before, after = chunked(f"<image>\n### User: {QUESTION} \n### Assistant: \n")
    expected = next_token(weights, before, clip(pixels()), after, 1e4)
    torch.testing.assert_close(spoken(load("llava-1.5")), expected, **CLOSE)


@torch.no_grad()
def test_llava_1_6_keeps_its_newline_and_its_tiles(folder: Path) -> None:
    weights = write_llava(folder, "llava-1.6")
    import_llava(folder, "llava-1.6")
    language = load("llava-1.6")
    assert torch.equal(language.vlm.model.image_newline, weights["model.image_newline"])
    assert language.vlm.config.image_grid_pinpoints == [[28, 56], [56, 28], [56, 56]]
    assert language.prefix_length(56) == 1 + 4 + 4 * (4 + 1), "the whole image, and four tiles with a newline a row"
    assert spoken(language).isfinite().all()


def test_new_rows_are_never_said(folder: Path) -> None:
    write_llava(folder, "llava-med")
    import_llava(folder, "llava-med")
    language = load("llava-med")
    assert language.vocabulary == 384
    assert not language.logits(torch.randn(2, 32))[:, vocabulary() :].isfinite().any()


def test_progress_counts_files(folder: Path) -> None:
    told: list[tuple[int, int]] = []
    write_llava(folder, "llava-med")
    import_llava(folder, "llava-med", progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]


@torch.no_grad()
def test_a_stock_tower_may_come_without_its_beginning(folder: Path, tmp_path: Path) -> None:
    """As transformers saves a ``CLIPVisionModel`` of its own."""
    write_llava(folder, "llava-1.5", tower=False)
    clip_folder = tmp_path / "clip"
    tower = {key.removeprefix("vision_model."): tensor for key, tensor in write_clip(clip_folder).items()}
    import_llava(folder, "llava-1.5", vision=clip_folder)
    save_file(tower, clip_folder / "model.safetensors")
    values = json.loads((clip_folder / "config.json").read_text())["vision_config"]
    (clip_folder / "config.json").write_text(json.dumps({"model_type": "clip_vision_model", **values}))
    import_llava(folder, "llava-1.5", name="bare", vision=clip_folder)
    assert torch.equal(spoken(load("bare")), spoken(load("llava-1.5")))
