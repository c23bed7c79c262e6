"""A conversation as token ids, and which of them are answers: what a language model is taught to say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from transformers import PreTrainedTokenizerBase

from prsmed.data.schema import Turn
from prsmed.errors import PRSMedError
from prsmed.model.language import LanguageModel

_GENERATION = re.compile(r"\{%-?\s*generation\s*-?%\}")


@dataclass(frozen=True)
class ChatRow:
    """One row of a batch.

    Attributes:
        ids: Token ids.
        answer_of: For every token the number of the turn whose answer it belongs to, end token included; -1 elsewhere.
    """

    ids: list[int]
    answer_of: list[int]


class Chat(Protocol):
    """How a language model reads conversations."""

    @property
    def pad_id(self) -> int:
        """Id that rows are filled up with."""

    def encode(self, turns: Sequence[Turn]) -> list[ChatRow]:
        """Rows that together have every turn's answer once."""


class TurnChat:
    """The way of this project's own small models: a row a turn, the earlier turns before it.

    A row for each turn, because such a model puts the mask's tokens between a question and its answer.

    Args:
        language: Knows the prompt's template; its weights are not used.
    """

    def __init__(self, language: LanguageModel) -> None:
        self._language = language

    @property
    def pad_id(self) -> int:
        """Id that rows are filled up with."""
        return self._language.pad_id

    def encode(self, turns: Sequence[Turn]) -> list[ChatRow]:
        """A row a turn: earlier questions and answers, its question, its answer and the end token."""
        rows = []
        for number, turn in enumerate(turns):
            history = [(earlier.question, earlier.answer) for earlier in turns[:number]]
            question = self._language.encode_questions([turn.question], history).ids[0].tolist()
            answer = self._language.encode_answers([turn.answer]).ids[0].tolist()
            rows.append(ChatRow(question + answer, [-1] * len(question) + [number] * len(answer)))
        return rows


class TemplateChat:
    """The way of any language model whose tokenizer has a chat template: a row a conversation.

    Where answers begin says the template itself when it marks them (``{% generation %}``), else the prompts before
    them do. An answer ends with the first special token after it. The image has no text here: its tokens are the
    model's to place.

    Args:
        tokenizer: A fast tokenizer, which knows where in a text its tokens are.

    Raises:
        PRSMedError: ``no_chat_template``.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        if not tokenizer.chat_template:
            raise PRSMedError("no_chat_template", "the tokenizer has no chat template; take that of a chat model")
        self._tokenizer = tokenizer
        self._is_marked = bool(_GENERATION.search(tokenizer.get_chat_template()))
        self._special = frozenset(tokenizer.all_special_ids)

    @property
    def pad_id(self) -> int:
        """Id that rows are filled up with; the end token's when the tokenizer has none for it."""
        own = self._tokenizer.pad_token_id
        return int(self._tokenizer.eos_token_id if own is None else own)

    def encode(self, turns: Sequence[Turn]) -> list[ChatRow]:
        """One row.

        Raises:
            PRSMedError: ``bad_chat_template`` when the answers cannot be told from the rest, or end with no special
                token, so that a model would not learn to stop.
        """
        ids, starts = self._read_marks(turns) if self._is_marked else self._compare_prompts(turns)
        if len(starts) != len(turns):
            raise _bad_template(f"marks {len(starts)} answers of {len(turns)}")
        answer_of = [-1] * len(ids)
        for number, (start, limit) in enumerate(zip(starts, [*starts[1:], len(ids)], strict=True)):
            end = next((place for place in range(start, limit) if ids[place] in self._special), None)
            if end is None:
                raise _bad_template("ends an answer with no special token")
            answer_of[start : end + 1] = [number] * (end + 1 - start)
        return [ChatRow(ids, answer_of)]

    def _read_marks(self, turns: Sequence[Turn]) -> tuple[list[int], list[int]]:
        """Ids, and the first token of every answer, as the template marks them."""
        encoded = self._tokenizer.apply_chat_template(
            _messages(turns), tokenize=True, return_dict=True, return_assistant_tokens_mask=True
        )
        marks = encoded["assistant_masks"]
        starts = [place for place, mark in enumerate(marks) if mark and not (place and marks[place - 1])]
        return encoded["input_ids"], starts

    def _compare_prompts(self, turns: Sequence[Turn]) -> tuple[list[int], list[int]]:
        """Ids, and the first token of every answer: the first behind the prompt that asks for it."""
        messages = _messages(turns)
        text = self._tokenizer.apply_chat_template(messages, tokenize=False)
        encoded = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        starts = []
        for number, turn in enumerate(turns):
            prompt = self._tokenizer.apply_chat_template(
                messages[: 2 * number + 1], tokenize=False, add_generation_prompt=True
            )
            place = text.find(turn.answer.strip(), len(prompt))
            if not text.startswith(prompt) or place < 0:
                raise _bad_template("writes a prompt otherwise once it is answered")
            # Only white space between prompt and answer is said by the model; a name or an empty thought is not.
            first = place if text[len(prompt) : place].strip() else len(prompt)
            starts.append(next(i for i, (_, end) in enumerate(encoded["offset_mapping"]) if end > first))
        return encoded["input_ids"], starts


def _messages(turns: Sequence[Turn]) -> list[dict[str, str]]:
    pairs = [(("user", turn.question), ("assistant", turn.answer)) for turn in turns]
    return [{"role": role, "content": text} for pair in pairs for role, text in pair]


def _bad_template(what: str) -> PRSMedError:
    return PRSMedError("bad_chat_template", f"the tokenizer's chat template {what}; take another one")
