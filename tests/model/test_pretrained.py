"""Every family of vision-language models through the one wrapper."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_vlms import FAMILIES, make_part
from torch import Tensor

from prsmed.model.config import PretrainedLanguageConfig
from prsmed.model.language import Context, Role, TokenBatch
from prsmed.model.load_language import load_language
from prsmed.model.pretrained import PretrainedLanguage

SIDE = 64
CLOSE = {"atol": 2e-5, "rtol": 1e-4}
QUESTIONS = ("where is the polyp?", "is there, anywhere in this rather long question, a polyp?")


@pytest.fixture(autouse=True)
def _parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRSMED_PARTS", str(tmp_path))


@pytest.fixture(params=FAMILIES)
def language(request: pytest.FixtureRequest) -> PretrainedLanguage:
    make_part(request.param, "base")
    return load_language(PretrainedLanguageConfig(part="base", prompt="chat"), seg=False).eval()


@pytest.fixture
def pixels() -> Tensor:
    return torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


def whole(language: PretrainedLanguage, pixels: Tensor, row: int, history: tuple[tuple[str, str], ...] = ()) -> Tensor:
    """Next-token logits by the model's own forward over the text as one piece."""
    text = language.prompt.start + language.prompt.after(QUESTIONS[row], history)
    image = (pixels[row] * 255).round().to(torch.uint8)
    inputs = language.processor(text=[text], images=[[image]], return_tensors="pt")
    return language.vlm(**inputs).logits[0, -1]


def asked(language: PretrainedLanguage, pixels: Tensor, history: tuple[tuple[str, str], ...] = ()) -> Context:
    return language.read_questions(language.encode_questions(QUESTIONS, history), language.look(pixels))


@torch.no_grad()
@pytest.mark.parametrize("history", [(), (("is it there?", "yes"),)], ids=["one turn", "two turns"])
def test_image_first_question_after_is_what_the_model_itself_does(
    language: PretrainedLanguage, pixels: Tensor, history: tuple[tuple[str, str], ...]
) -> None:
    logits = language.logits(asked(language, pixels, history).last(Role.TEXT))
    for row in range(2):
        expected, spoken = whole(language, pixels, row, history), ~language.unspoken
        torch.testing.assert_close(logits[row, spoken], expected[spoken], **CLOSE)


@torch.no_grad()
def test_reading_on_is_reading_at_once(language: PretrainedLanguage, pixels: Tensor) -> None:
    answers = language.encode_answers(["the polyp is at the top left", "no"])
    context = asked(language, pixels)
    embeds, roles = language.embed(answers.ids), language.roles_of_answers(answers)
    at_once = language.read(embeds, roles, context).hidden[:, -answers.ids.shape[1] :]
    for step in range(answers.ids.shape[1]):
        context = language.read(embeds[:, [step]], roles[:, [step]], context)
        real = answers.is_real[:, step]
        torch.testing.assert_close(context.hidden[real, -1], at_once[real, step], **CLOSE)


@torch.no_grad()
def test_padding_and_batch_mates_change_nothing(language: PretrainedLanguage, pixels: Tensor) -> None:
    together = asked(language, pixels).last(Role.TEXT)
    for row in range(2):
        tokens = language.encode_questions([QUESTIONS[row]])
        filler = torch.full((1, 5), 7)
        padded = TokenBatch(
            torch.cat([tokens.ids, filler], dim=1), torch.cat([tokens.is_real, torch.zeros(1, 5, dtype=torch.bool)], 1)
        )
        alone = language.read_questions(padded, language.look(pixels[[row]])).last(Role.TEXT)
        torch.testing.assert_close(alone[0], together[row], **CLOSE)


@torch.no_grad()
def test_roles_tell_image_question_and_padding(language: PretrainedLanguage, pixels: Tensor) -> None:
    seen = language.look(pixels)
    ids = language.inputs(pixels)["input_ids"]
    assert torch.equal(seen.roles == Role.IMAGE, ids == language.vlm.config.image_token_id)
    assert set(seen.roles.unique().tolist()) <= {Role.IMAGE, Role.START}
    assert seen.roles.shape[1] == language.prefix_length(SIDE)
    questions = language.encode_questions(QUESTIONS)
    roles = language.read_questions(questions, seen).roles[:, seen.roles.shape[1] :]
    assert torch.equal(roles == Role.TEXT, questions.is_real)
    assert torch.equal(roles == Role.PAD, ~questions.is_real)
    answers = language.encode_answers(["no", "at the top left"])
    said = language.roles_of_answers(answers)
    assert (said == Role.END).sum(dim=1).tolist() == [1, 1]
    assert torch.equal(said == Role.PAD, ~answers.is_real)


def test_what_somebody_typed_is_never_a_special_token(language: PretrainedLanguage) -> None:
    specials = [text.content for text in language.prompt.tokenizer.added_tokens_decoder.values()]
    plain = language.encode_questions(["x"]).ids[0].tolist()
    special_ids = set(language.prompt.tokenizer.added_tokens_decoder)
    typed = language.encode_questions(["x " + " ".join(specials)]).ids[0].tolist()
    count = [sum(token in special_ids for token in ids) for ids in (plain, typed)]
    assert count[0] == count[1]


def test_image_tokens_and_unused_rows_are_never_said(language: PretrainedLanguage) -> None:
    logits = language.logits(torch.randn(3, language.hidden_size))
    assert logits[:, language.vlm.config.image_token_id].max() == float("-inf")
    assert (
        logits[:, len(language.prompt.tokenizer) :].numel() == 0
        or not logits[:, len(language.prompt.tokenizer) :].isfinite().any()
    )


def test_adapters_sit_on_the_attention_of_the_language_model_only(language: PretrainedLanguage) -> None:
    trained = {name for name, weight in language.named_parameters() if weight.requires_grad}
    assert len(trained) == 2 * 4 * 2  # layers, projections, A and B
    assert all(".self_attn." in name and "lora_" in name and "vision" not in name for name in trained)


@pytest.mark.parametrize("tuning", ["full", "frozen"])
def test_full_and_frozen_tuning(tuning: str) -> None:
    make_part("llava", "base")
    config = replace(PretrainedLanguageConfig(part="base"), tuning=tuning)
    trained = {name for name, weight in load_language(config, seg=False).named_parameters() if weight.requires_grad}
    assert bool(trained) == (tuning == "full")
    assert not any("vision_tower" in name or "projector" in name for name in trained)


def test_answers_end_as_the_chat_template_ends_them(language: PretrainedLanguage) -> None:
    end = language.prompt.tokenizer.convert_ids_to_tokens(language.end_id)
    assert end in ("</s>", "<|im_end|>", "<end_of_turn>", "<end_of_utterance>")
