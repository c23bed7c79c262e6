from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from talk_set import conversation, turn
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from prsmed.data.chat import TemplateChat, TurnChat
from prsmed.data.collate import IGNORED, Collate, ConversationBatch
from prsmed.data.item import Item
from prsmed.data.schema import Turn
from prsmed.errors import PRSMedError
from prsmed.model.prsmed import PRSMed
from prsmed.training.losses import text_loss

SIDE = 64
DIALOGUE = (
    turn(question="where is the polyp?", answer="The polyp is at the top left."),
    turn(question="And how large is it? ", answer="It covers 3.4 % of the image:\n  a small one.", regions=(0,)),
    turn(question="is there a kidney stone", answer="There is no kidney stone.", present=False),
)
SINGLE = (turn(question="Where?", answer="The polyp is at the top left."),)


def item(turns: tuple[Turn, ...], number: int) -> Item:
    rng = np.random.default_rng(number)
    pixels = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    masks = np.zeros((len(turns), SIDE, SIDE), dtype=np.uint8)
    for place, one in enumerate(turns):
        masks[place, number : number + 4, place] = one.present
    return Item(pixels, masks, conversation(number, turns=turns))


ITEMS = [item(SINGLE, 0), item(DIALOGUE, 1), item(SINGLE, 2)]
ANSWERS = [one.answer for made in ITEMS for one in made.conversation.turns]


def taught(batch: ConversationBatch, number: int, tokenizer: Any) -> str:
    """The text of a turn's labels, special tokens and all."""
    tokens = batch.tokens
    return tokenizer.decode(tokens.labels[tokens.answer_of == number].tolist(), skip_special_tokens=False)


def check_labels(batch: ConversationBatch) -> None:
    tokens = batch.tokens
    assert (tokens.labels[tokens.answer_of >= 0] == tokens.ids[tokens.answer_of >= 0]).all()
    assert (tokens.labels[tokens.answer_of < 0] == IGNORED).all()
    assert (tokens.answer_of[~tokens.is_real] == -1).all()
    lengths = tokens.is_real.sum(dim=1)
    assert (tokens.is_real == (torch.arange(tokens.ids.shape[1]) < lengths[:, None])).all()


def test_images_and_masks_are_stacked_turn_by_turn(make_tiny: Callable[..., PRSMed]) -> None:
    batch = Collate(TurnChat(make_tiny().language))(ITEMS)
    assert batch.pixels.shape == (3, 3, SIDE, SIDE)
    np.testing.assert_allclose(batch.pixels[1].permute(1, 2, 0).numpy() * 255, ITEMS[1].pixels, atol=1e-3)
    assert batch.masks.shape == (5, 1, SIDE, SIDE)
    assert batch.masks.dtype == torch.float32
    for row, (number, place) in enumerate([(0, 0), (1, 0), (1, 1), (1, 2), (2, 0)]):
        np.testing.assert_array_equal(batch.masks[row, 0].numpy(), ITEMS[number].masks[place])
    assert batch.image_of.tolist() == [0, 1, 1, 1, 2]
    assert batch.is_present.tolist() == [True, True, True, False, True]
    assert batch.conversations == tuple(made.conversation for made in ITEMS)


def test_a_small_model_reads_a_row_a_turn_as_it_is_asked_later(make_tiny: Callable[..., PRSMed]) -> None:
    language = make_tiny().language
    batch = Collate(TurnChat(language))(ITEMS)
    check_labels(batch)
    assert batch.tokens.ids.shape[0] == 5
    for number, answer in enumerate(ANSWERS):
        assert taught(batch, number, language.tokenizer).strip() == f"{answer}</s>"
        assert set(batch.tokens.answer_of[number].tolist()) <= {-1, number}
    questions, answers = batch.tokens.split()
    history = [(one.question, one.answer) for one in DIALOGUE[:2]]
    asked = language.encode_questions([DIALOGUE[2].question], history).ids[0]
    assert questions.ids[3][questions.is_real[3]].tolist() == asked.tolist()
    expected = language.encode_answers(ANSWERS)
    assert torch.equal(answers.is_real, expected.is_real)
    assert torch.equal(answers.ids[answers.is_real], expected.ids[expected.is_real])


def test_a_batch_goes_through_a_model(make_tiny: Callable[..., PRSMed]) -> None:
    model = make_tiny()
    batch = Collate(TurnChat(model.language))(ITEMS)
    questions, answers = batch.tokens.split()
    use_true = torch.ones(5, dtype=torch.bool)
    output = model(batch.pixels[batch.image_of], questions, answers, batch.masks > 0, use_true)
    assert output.segmented.mask_logits.shape == batch.masks.shape
    loss = text_loss(output.text_logits, answers.ids, answers.is_real)
    loss.backward()
    assert torch.isfinite(loss)
    # Filling must not count: a row alone has the loss it has among longer ones.
    alone = Collate(TurnChat(model.language))(ITEMS[:1])
    one, said = alone.tokens.split()
    lone = model(alone.pixels, one, said, alone.masks > 0, use_true[:1])
    length = int(said.is_real.sum())
    torch.testing.assert_close(lone.text_logits[0], output.text_logits[0, :length], rtol=1e-3, atol=1e-3)


MARKED = (
    "{% for m in messages %}{% if m.role == 'assistant' %}<|im_start|>assistant\n"
    "{% generation %}{{ m.content }}GENERATED_END{% endgeneration %}OUTSIDE_END\n"
    "{% else %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEMPLATES = {
    "marked, end token inside": MARKED.replace("GENERATED_END", "<|im_end|>").replace("OUTSIDE_END", ""),
    "marked, end token outside": MARKED.replace("GENERATED_END", "").replace("OUTSIDE_END", "<|im_end|>"),
    "not marked": (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    ),
    "a space before, no header token": (
        "{% for m in messages %}{% if m.role == 'user' %}USER: {{ m.content.strip() }} ASSISTANT:"
        "{% else %} {{ m.content }}<|im_end|>{% endif %}{% endfor %}"
    ),
    "a role that is not in the prompt": (
        "{% for m in messages %}{% if m.role == 'user' %}USER: {{ m.content }}"
        "{% else %} ASSISTANT: {{ m.content }}<|im_end|>{% endif %}{% endfor %}"
    ),
    "an empty thought in the last answer": (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n"
        "{% if loop.last and m.role == 'assistant' %}<think>\n\n</think>\n\n{% endif %}{{ m.content }}<|im_end|>\n"
        "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    ),
}


def chat_tokenizer(template: str | None) -> PreTrainedTokenizerFast:
    special = ["<pad>", "<|im_start|>", "<|im_end|>"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=420, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(
        [f"{one.question} {one.answer} assistant ASSISTANT: user" for one in DIALOGUE], trainer
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<|im_end|>", extra_special_tokens=["<|im_start|>"]
    )
    fast.chat_template = template
    return fast


@pytest.mark.parametrize("style", list(TEMPLATES))
def test_labels_of_any_chat_template_are_the_answers_and_their_end(style: str) -> None:
    tokenizer = chat_tokenizer(TEMPLATES[style])
    batch = Collate(TemplateChat(tokenizer))(ITEMS)
    check_labels(batch)
    assert batch.tokens.ids.shape[0] == 3
    assert batch.tokens.ids[~batch.tokens.is_real].unique().tolist() == [tokenizer.pad_token_id]
    for number, answer in enumerate(ANSWERS):
        assert taught(batch, number, tokenizer).removeprefix(" ") == f"{answer}<|im_end|>"
    for row, made in enumerate(ITEMS):
        messages = [
            {"role": role, "content": text}
            for one in made.conversation.turns
            for role, text in (("user", one.question), ("assistant", one.answer))
        ]
        whole = tokenizer.apply_chat_template(messages, tokenize=True, return_dict=True)["input_ids"]
        assert batch.tokens.ids[row][batch.tokens.is_real[row]].tolist() == whole


def test_the_space_that_a_model_must_say_first_is_taught() -> None:
    tokenizer = chat_tokenizer(TEMPLATES["a space before, no header token"])
    assert taught(Collate(TemplateChat(tokenizer))(ITEMS[:1]), 0, tokenizer).startswith(" The")
    tokenizer = chat_tokenizer(TEMPLATES["a role that is not in the prompt"])
    assert "ASSISTANT" not in taught(Collate(TemplateChat(tokenizer))(ITEMS[:1]), 0, tokenizer)


@pytest.mark.parametrize(
    ("template", "code", "message"),
    [
        (None, "no_chat_template", "no chat template"),
        ("{% for m in messages %}{{ m.content }}\n{% endfor %}", "bad_chat_template", "no special token"),
        ("{{ messages|length }}{% for m in messages %}{{ m.content }}{% endfor %}", "bad_chat_template", "otherwise"),
        (
            "{% for m in messages %}{% generation %}{{ m.content }}<|im_end|>{% endgeneration %}{% endfor %}",
            "bad_chat_template",
            "marks 1 answers of 3",
        ),
    ],
)
def test_a_template_that_cannot_be_taught_is_told(template: str | None, code: str, message: str) -> None:
    with pytest.raises(PRSMedError, match=message) as error:
        Collate(TemplateChat(chat_tokenizer(template)))(ITEMS[1:2])
    assert error.value.code == code
