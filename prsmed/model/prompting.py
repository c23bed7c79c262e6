"""How a question is put to an imported vision-language model: text and tokens around the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from transformers import ProcessorMixin

from prsmed.errors import PRSMedError

_QUESTION = "\n### User: {question} \n### Assistant: \n"
_PROBE = "prsmed"


class Prompt:
    """Writes prompts of one image, in two pieces: up to the image, and what follows it.

    The pieces are tokenised apart, as the LLaVA family was taught; so what precedes and what is the image is the same
    for every question.

    Args:
        processor: The model's processor.
        style: ``"prs_med"`` writes as the authors' code does, ``"chat"`` as the processor's chat template does.

    Raises:
        PRSMedError: ``bad_part`` when the model has no chat template, or one that does not show its image.
    """

    def __init__(self, processor: ProcessorMixin, style: Literal["prs_med", "chat"]) -> None:
        self.tokenizer = processor.tokenizer
        self._processor = processor
        self._style = style
        added = self.tokenizer.added_tokens_decoder
        self._special_ids = {token for token, text in added.items() if text.special}
        self._special_texts = sorted({text.content for text in added.values()}, key=len, reverse=True)
        self._image = _image_text(processor) if style == "chat" else str(processor.image_token)
        self.before = self._render(_PROBE, ())[0]
        self.end_id = self._find_end()

    @property
    def start(self) -> str:
        """The text up to and with the image's placeholder, which the processor turns into the image's tokens."""
        return self.before + self._image

    @property
    def adds_start_token(self) -> bool:
        """Whether the tokenizer is to put its start token before :attr:`start`: when the template has not."""
        return not (self.tokenizer.bos_token and self.before.startswith(self.tokenizer.bos_token))

    def after(self, question: str, history: Sequence[tuple[str, str]]) -> str:
        """The text behind the image: earlier turns, the question, and what calls for the answer."""
        turns = [(self._plain(asked), self._plain(answered)) for asked, answered in history]
        return self._render(self._plain(question), turns)[1]

    def _render(self, question: str, history: Sequence[tuple[str, str]]) -> tuple[str, str]:
        if self._style == "prs_med":
            earlier = "".join(f"{_QUESTION.format(question=asked)}{answered}" for asked, answered in history)
            return "", earlier + _QUESTION.format(question=question)
        rendered = self._processor.apply_chat_template(
            _messages(question, history), tokenize=False, add_generation_prompt=True
        )
        before, image, after = rendered.partition(self._image)
        if not image:
            raise PRSMedError("bad_part", f"the chat template does not write the image as {self._image!r}")
        return before, after

    def _find_end(self) -> int:
        """The first special token that the template puts behind an answer, else the tokenizer's end token."""
        if self._style == "chat":
            messages = [*_messages(_PROBE, ()), {"role": "assistant", "content": [{"type": "text", "text": "zzz"}]}]
            rendered = self._processor.apply_chat_template(messages, tokenize=False)
            for token in self.tokenizer.encode(rendered.rpartition("zzz")[2], add_special_tokens=False):
                if token in self._special_ids:
                    return int(token)
        return int(self.tokenizer.eos_token_id)

    def _plain(self, text: str) -> str:
        """Special tokens that somebody typed become words."""
        text = text.strip()
        for special in self._special_texts:
            text = text.replace(special, f"{special[:1]} {special[1:]}")
        return text


def _messages(question: str, history: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    turns = [turn for asked, answered in history for turn in (("user", asked), ("assistant", answered))]
    messages: list[dict[str, Any]] = [
        {"role": role, "content": [{"type": "text", "text": text}]} for role, text in [*turns, ("user", question)]
    ]
    messages[0]["content"].insert(0, {"type": "image"})
    return messages


def _image_text(processor: ProcessorMixin) -> str:
    """How the chat template writes an image: some name its beginning, others the image token itself."""
    if not processor.chat_template:
        raise PRSMedError("bad_part", "the model has no chat template; import one that has, or take prompt 'prs_med'")
    rendered = processor.apply_chat_template(_messages(_PROBE, ()), tokenize=False)
    for name in ("boi_token", "image_token"):
        text = getattr(processor, name, None)
        if text and str(text) in rendered:
            return str(text)
    raise PRSMedError("bad_part", "the model's chat template writes no image; it is no template of a vision model")
