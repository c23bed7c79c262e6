"""One question's way through the model: what the mask may depend on, and that cached steps equal one pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from prsmed.model.language import Context, TokenBatch
from prsmed.model.outputs import UNDRAWN, Output, Seen, Segmented
from prsmed.model.prsmed import PRSMed

QUESTIONS = ("where is the polyp?", "is there, anywhere in this rather long question, a polyp in the image?")
ANSWERS = ("the polyp is at the top left", "no")
CLOSE = {"atol": 3e-5, "rtol": 0.0}
SIDE = 64


@pytest.fixture(params=["mask", "prompt"])
def answer_from(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["text", "all"])
def model(request: pytest.FixtureRequest, answer_from: str, make_tiny: Callable[..., PRSMed]) -> PRSMed:
    return make_tiny(answer_from=answer_from, condition_on=request.param)


@pytest.fixture
def pixels() -> Tensor:
    return torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


@pytest.fixture(autouse=True)
def _no_grad() -> object:
    with torch.no_grad():
        yield


def one_pass(model: PRSMed, pixels: Tensor, questions: TokenBatch, answers: TokenBatch) -> Output:
    rows = len(pixels)
    nothing = torch.zeros(rows, 1, SIDE, SIDE, dtype=torch.bool)
    return model(pixels, questions, answers, nothing, torch.zeros(rows, dtype=torch.bool))


def in_steps(model: PRSMed, pixels: Tensor, questions: Sequence[str]) -> tuple[Seen, Context, Segmented]:
    seen = model.see(pixels)
    prompt = model.read(seen, model.language.encode_questions(questions))
    return seen, prompt, model.segment(seen.features, prompt, SIDE)


def padded(tokens: TokenBatch, count: int, filler: int) -> TokenBatch:
    rows = len(tokens.ids)
    ids = torch.cat([tokens.ids, torch.full((rows, count), filler)], dim=1)
    return TokenBatch(ids, torch.cat([tokens.is_real, torch.zeros(rows, count, dtype=torch.bool)], dim=1))


def assert_same(one: Segmented, other: Segmented) -> None:
    torch.testing.assert_close(one.mask_logits, other.mask_logits, **CLOSE)
    torch.testing.assert_close(one.presence_logits, other.presence_logits, **CLOSE)


def test_the_answer_cannot_reach_the_mask(model: PRSMed, pixels: Tensor) -> None:
    questions = model.language.encode_questions(QUESTIONS)
    first = model.language.encode_answers(ANSWERS)
    longer = model.language.encode_answers(("bottom right, or so it seems to me today", "yes, it is in the center"))
    expected = one_pass(model, pixels, questions, first)
    for answers in (longer, padded(first, 9, filler=7), TokenBatch(first.ids.flip(0), first.is_real.flip(0))):
        output = one_pass(model, pixels, questions, answers)
        assert_same(output.segmented, expected.segmented)


def test_the_question_does_reach_the_mask(model: PRSMed, pixels: Tensor) -> None:
    one, other = (in_steps(model, pixels[:1], [question])[2] for question in QUESTIONS)
    assert (one.mask_logits - other.mask_logits).abs().max() > 0.05
    assert (one.presence_logits - other.presence_logits).abs().max() > 0.05


@pytest.mark.parametrize("filler", [0, 2, 77])
def test_padding_of_the_question_reaches_neither_mask_nor_text(model: PRSMed, pixels: Tensor, filler: int) -> None:
    questions, answers = model.language.encode_questions(QUESTIONS), model.language.encode_answers(ANSWERS)
    expected = one_pass(model, pixels, questions, answers)
    output = one_pass(model, pixels, padded(questions, 11, filler), answers)
    assert_same(output.segmented, expected.segmented)
    torch.testing.assert_close(output.text_logits[answers.is_real], expected.text_logits[answers.is_real], **CLOSE)


def test_batch_mates_do_not_matter(model: PRSMed, pixels: Tensor) -> None:
    answers = model.language.encode_answers(ANSWERS)
    together = one_pass(model, pixels, model.language.encode_questions(QUESTIONS), answers)
    for row in range(2):
        own = model.language.encode_answers([ANSWERS[row]])
        alone = one_pass(model, pixels[[row]], model.language.encode_questions([QUESTIONS[row]]), own)
        length = own.ids.shape[1]
        of_row = Segmented(
            together.segmented.mask_logits[[row]], together.segmented.presence_logits[[row]], torch.tensor([0])
        )
        assert_same(alone.segmented, of_row)
        torch.testing.assert_close(alone.text_logits[0], together.text_logits[row, :length], **CLOSE)


def test_cached_steps_equal_the_training_pass(model: PRSMed, pixels: Tensor) -> None:
    output = one_pass(model, pixels, model.language.encode_questions(QUESTIONS), model.language.encode_answers(ANSWERS))
    assert_same(in_steps(model, pixels, QUESTIONS)[2], output.segmented)


def test_absent_questions_ride_along_unheard(model: PRSMed, pixels: Tensor) -> None:
    """Turns beyond the images: same masks for the images, and for themselves what asking them alone would give."""
    extra, reply = "is there a stone in the kidney of this patient?", "no stone"
    nothing, rows = torch.zeros(2, 1, SIDE, SIDE, dtype=torch.bool), torch.ones(2, dtype=torch.bool)
    encode = model.language.encode_questions, model.language.encode_answers
    image_of = torch.tensor([0, 1, 1])
    plain = model(pixels, encode[0](QUESTIONS), encode[1](ANSWERS), nothing, rows)
    more = model(pixels, encode[0]((*QUESTIONS, extra)), encode[1]((*ANSWERS, reply)), nothing, rows, image_of)
    alone = model(pixels[1:], encode[0]([extra]), encode[1]([reply]), nothing[1:], rows[1:])
    torch.testing.assert_close(more.segmented.mask_logits, plain.segmented.mask_logits, **CLOSE)
    presence = torch.cat([plain.segmented.presence_logits, alone.segmented.presence_logits])
    torch.testing.assert_close(more.segmented.presence_logits, presence, **CLOSE)
    length = alone.text_logits.shape[1]
    torch.testing.assert_close(more.text_logits[2, :length], alone.text_logits[0], **CLOSE)
    assert model.mask_of(more.segmented).shape == (2, 1, SIDE, SIDE)


def test_spoken_tokens_are_those_the_training_pass_predicts(
    model: PRSMed, pixels: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, prompt, segmented = in_steps(model, pixels, QUESTIONS)
    mask = make_rows_differ(segmented, monkeypatch, model)
    spoken_logits: list[Tensor] = []
    plain = model.language.logits

    def recorded(hidden: Tensor) -> Tensor:
        spoken_logits.append(plain(hidden))
        return spoken_logits[-1]

    monkeypatch.setattr(model.language, "logits", recorded)
    ids = torch.stack(list(model.speak(seen.features, prompt, mask)), dim=1)
    monkeypatch.setattr(model.language, "logits", plain)
    assert len(set(ids.flatten().tolist())) > 3  # a constant answer would prove little
    before_end = (ids != model.language.tokenizer.eos_token_id).long().cumprod(dim=1).bool()
    output = one_pass(model, pixels, model.language.encode_questions(QUESTIONS), TokenBatch(ids, before_end))
    spoken = torch.stack(spoken_logits, dim=1)[:, : ids.shape[1]]
    torch.testing.assert_close(output.text_logits[before_end], spoken[before_end], atol=1e-4, rtol=0)
    assert torch.equal(output.text_logits.argmax(dim=2)[before_end], ids[before_end])


def make_rows_differ(segmented: Segmented, monkeypatch: pytest.MonkeyPatch, model: PRSMed) -> Tensor:
    """Predicted masks with one row judged absent and one present, whatever the fresh weights say."""
    middle = float(segmented.presence_logits.mean().sigmoid())
    median = float(segmented.mask_logits.median().sigmoid())
    monkeypatch.setattr(model, "config", replace(model.config, presence_threshold=middle, mask_threshold=median))
    mask = model.mask_of(segmented)
    assert sorted(mask.flatten(1).any(dim=1).tolist()) == [False, True]
    return mask


def test_reading_leaves_what_was_seen_as_it_was(model: PRSMed, pixels: Tensor) -> None:
    seen = model.see(pixels[:1])
    tensors = [seen.prefix.hidden, seen.prefix.roles, *(t for layer in seen.prefix.cache for t in layer)]
    copies = [tensor.clone() for tensor in tensors]
    for question in QUESTIONS:
        prompt = model.read(seen, model.language.encode_questions([question]))
        again = model.segment(seen.features, prompt, SIDE)
        text = model.answer(seen.features, prompt, model.mask_of(again))
        fresh, fresh_prompt, expected = in_steps(model, pixels[:1], [question])
        assert torch.equal(again.mask_logits, expected.mask_logits)
        assert text == model.answer(fresh.features, fresh_prompt, model.mask_of(expected))
    assert all(torch.equal(tensor, copy) for tensor, copy in zip(tensors, copies, strict=True))


def test_one_image_serves_several_questions_at_once(model: PRSMed, pixels: Tensor) -> None:
    one, rows = model.see(pixels[:1]), torch.tensor([0, 0])
    seen = Seen(one.features.take(rows), one.prefix.take(rows))
    prompt = model.read(seen, model.language.encode_questions(QUESTIONS))
    expected = in_steps(model, pixels[[0, 0]], QUESTIONS)[2]
    assert_same(model.segment(seen.features, prompt, SIDE), expected)


def test_image_and_question_read_at_once_are_read_as_in_steps(model: PRSMed, pixels: Tensor) -> None:
    questions = model.language.encode_questions(QUESTIONS)
    assert not questions.is_real.all(), "the test needs padding"
    apart, prompt, expected = in_steps(model, pixels, QUESTIONS)
    seen, at_once = model.read_with_image(pixels, model.encode(pixels), questions)
    assert_same(model.segment(seen.features, at_once, SIDE), expected)
    assert torch.equal(at_once.roles, prompt.roles)
    assert torch.equal(at_once.next_position, prompt.next_position)
    assert torch.equal(seen.prefix.next_position, apart.prefix.next_position)
    assert seen.num_bytes == apart.num_bytes
    assert seen.prefix.hidden.untyped_storage().nbytes() < at_once.hidden.untyped_storage().nbytes(), "all is kept"
    another = model.language.encode_questions(QUESTIONS[::-1])
    again = model.segment(seen.features, model.read(seen, another), SIDE)
    assert_same(again, model.segment(apart.features, model.read(apart, another), SIDE))


def test_what_is_judged_absent_needs_no_drawing(model: PRSMed, pixels: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, prompt, expected = in_steps(model, pixels, QUESTIONS)
    mask = make_rows_differ(expected, monkeypatch, model)
    drawn = model.draw_present(seen, prompt, SIDE)
    is_present = mask.flatten(1).any(dim=1)
    torch.testing.assert_close(drawn.mask_logits[is_present], expected.mask_logits[is_present], **CLOSE)
    assert (drawn.mask_logits[~is_present] == UNDRAWN).all()
    torch.testing.assert_close(drawn.presence_logits, expected.presence_logits, **CLOSE)
    assert torch.equal(model.mask_of(drawn), mask)
    monkeypatch.setattr(model, "config", replace(model.config, presence_threshold=1.0))
    assert not model.mask_of(model.draw_present(seen, prompt, SIDE)).any()


def test_a_seen_image_knows_its_memory(model: PRSMed, pixels: Tensor) -> None:
    one, two = model.see(pixels[:1]), model.see(pixels)
    assert two.num_bytes == 2 * one.num_bytes
    features = 4 * (16 * 4 * 4 + 16 * 8 * 8 + 8 * 16 * 16)  # no finer ones than the two skips take
    tokens = 5 * (4 * 32 + 8 + 4 * 2 * 2 * 32)  # BOS and 2 x 2: state, role, keys and values of two layers
    assert one.num_bytes == features + tokens
