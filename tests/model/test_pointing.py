"""`[SEG]`: one mask for each, none where the model declines, and what typed words cannot do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from prsmed.model.language import Role
from prsmed.model.outputs import UNDRAWN, Output
from prsmed.model.prsmed import PRSMed

SIDE = 64
QUESTIONS = ("where are liver and tumour?", "is there a stone?")
ANSWERS = ("the liver [SEG] and the tumour [SEG].", "there is none.")
CLOSE = {"atol": 3e-5, "rtol": 0.0}


@pytest.fixture
def model(make_tiny: Callable[..., PRSMed]) -> PRSMed:
    return make_tiny(condition_on="seg", answer_from="prompt", max_answer_tokens=40)


@pytest.fixture
def pixels() -> Tensor:
    return torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


def one_pass(model: PRSMed, pixels: Tensor, questions: tuple[str, ...], answers: tuple[str, ...]) -> Output:
    rows, language = len(pixels), model.language
    nothing = torch.zeros(rows, 1, SIDE, SIDE, dtype=torch.bool)
    use = torch.zeros(rows, dtype=torch.bool)
    return model(pixels, language.encode_questions(questions), language.encode_answers(answers), nothing, use)


def say(model: PRSMed, monkeypatch: pytest.MonkeyPatch, answers: tuple[str, ...]) -> None:
    """Make the model want to say ``answers``, whatever it reads."""
    steps = iter(model.language.encode_answers(answers).ids.T.tolist())
    width = model.language.vocabulary + 1
    wanted = lambda hidden: torch.nn.functional.one_hot(torch.tensor(next(steps)), width).float()  # noqa: E731
    monkeypatch.setattr(model.language, "logits", wanted)


def test_there_are_as_many_masks_as_an_answer_points_at(model: PRSMed, pixels: Tensor) -> None:
    segmented = one_pass(model, pixels, QUESTIONS, ANSWERS).segmented
    assert segmented.row_of.tolist() == [0, 0]
    assert segmented.mask_logits.shape == (2, 1, SIDE, SIDE)
    assert segmented.presence_logits.shape == (2,)
    assert (segmented.mask_logits[0] - segmented.mask_logits[1]).abs().max() > 1e-3


def test_who_declines_draws_nothing(model: PRSMed, pixels: Tensor) -> None:
    segmented = one_pass(model, pixels, QUESTIONS, ("no", "none")).segmented
    assert segmented.mask_logits.shape == (0, 1, SIDE, SIDE)
    assert model.mask_of(segmented).shape == (0, 1, SIDE, SIDE)
    merged = segmented.merged()
    assert merged.row_of.tolist() == [0, 1]
    assert merged.mask_logits.eq(UNDRAWN).all()
    assert not model.mask_of(merged).any()


def test_masks_of_one_answer_merge_to_the_surer_pixel(model: PRSMed, pixels: Tensor) -> None:
    segmented = one_pass(model, pixels, QUESTIONS, ANSWERS).segmented
    merged = segmented.merged().mask_logits
    torch.testing.assert_close(merged[0], torch.maximum(*segmented.mask_logits))
    assert merged[1].eq(UNDRAWN).all()


@torch.no_grad()
def test_masks_spoken_step_by_step_are_those_of_the_training_pass(
    model: PRSMed, pixels: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = one_pass(model, pixels, QUESTIONS, ANSWERS).segmented
    say(model, monkeypatch, ANSWERS)
    seen = model.see(pixels)
    prompt = model.read(seen, model.language.encode_questions(QUESTIONS))
    merged, speech = model.draw(seen, prompt, SIDE)
    assert speech is not None
    assert speech.texts == ["the liver and the tumour.", "there is none."]
    torch.testing.assert_close(merged.mask_logits, expected.merged().mask_logits, **CLOSE)
    torch.testing.assert_close(merged.presence_logits, expected.presence_logits, **CLOSE)


@torch.no_grad()
def test_batch_mates_and_what_is_said_after_do_not_change_a_mask(model: PRSMed, pixels: Tensor) -> None:
    together = one_pass(model, pixels, QUESTIONS, ANSWERS).segmented
    alone = one_pass(model, pixels[:1], QUESTIONS[:1], ("the liver [SEG] and something else",)).segmented
    torch.testing.assert_close(alone.mask_logits[0], together.mask_logits[0], **CLOSE)


def test_typed_in_a_question_it_is_text(model: PRSMed) -> None:
    questions = model.language.encode_questions(["show me [SEG] now"], [("what is [SEG]?", "nothing [SEG]")])
    assert int(questions.ids.max()) < model.language.vocabulary
    answers = model.language.encode_answers(["this [SEG]"])
    assert answers.ids[0, -2] == model.language.vocabulary
    assert model.language.roles_of_answers(answers)[0, -2] == Role.SEG


def test_the_mask_loss_teaches_the_token_and_who_says_it(model: PRSMed, pixels: Tensor) -> None:
    one_pass(model, pixels, QUESTIONS, ANSWERS).segmented.mask_logits.square().mean().backward()
    seg = model.language.seg
    assert seg is not None
    assert seg.embedding.grad is not None
    assert seg.embedding.grad.any()
    assert seg.output.grad is None
    layers = model.language.network.get_decoder().layers
    assert all(weight.grad is not None and weight.grad.any() for weight in layers.parameters())


def test_the_text_loss_teaches_when_to_point(model: PRSMed, pixels: Tensor) -> None:
    output = one_pass(model, pixels, QUESTIONS, ANSWERS)
    assert output.text_logits.shape[-1] == model.language.vocabulary + 1
    output.text_logits.logsumexp(dim=-1).mean().backward()
    seg = model.language.seg
    assert seg is not None
    assert seg.output.grad is not None
    assert seg.output.grad.any()


@torch.no_grad()
@pytest.mark.parametrize("condition_on", ["answer", "image", "text", "all"])
def test_what_the_mask_looks_at_is_what_changes_it(
    make_tiny: Callable[..., PRSMed], pixels: Tensor, condition_on: str
) -> None:
    model = make_tiny(condition_on=condition_on, answer_from="prompt", presence_from="mask")
    plain = one_pass(model, pixels, QUESTIONS, ("left", "none")).segmented.mask_logits
    other_answer = one_pass(model, pixels, QUESTIONS, ("right", "none")).segmented.mask_logits
    other_question = one_pass(model, pixels, ("is it?", QUESTIONS[1]), ("left", "none")).segmented.mask_logits
    moved = [bool((plain[0] - other[0]).abs().max() > 1e-3) for other in (other_answer, other_question)]
    assert moved == {"answer": [True, True], "image": [False, False]}.get(condition_on, [False, True])
    torch.testing.assert_close(other_answer[1], plain[1], **CLOSE)
