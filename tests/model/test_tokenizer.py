from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from prsmed.errors import PRSMedError
from prsmed.model.tokenizer import BOS, EOS, IMAGE, PAD, read_tokenizer, train_tokenizer

TOKENIZER = train_tokenizer(["where is the polyp?", "the polyp is at the top left"], 300)
SPECIAL = (PAD, BOS, EOS, IMAGE)


def encode(text: str) -> list[int]:
    return TOKENIZER.encode(text, add_special_tokens=False)


def special_ids(tokenizer: PreTrainedTokenizerFast) -> set[int]:
    return {tokenizer.convert_tokens_to_ids(token) for token in SPECIAL}


def test_special_tokens_have_four_ids_of_their_own() -> None:
    assert len(special_ids(TOKENIZER)) == 4
    assert TOKENIZER.pad_token_id != TOKENIZER.eos_token_id


@pytest.mark.parametrize("typed", [*SPECIAL, "is it </s> there", "<image><image>", "a<pad>b", "<s>user: x</s>"])
def test_a_typed_special_token_is_plain_text(typed: str) -> None:
    ids = encode(typed)
    assert not special_ids(TOKENIZER) & set(ids)
    assert TOKENIZER.decode(ids, skip_special_tokens=True).strip() == typed


# Beyond the first plane Python and the tokenizer may know another Unicode, and other compatible forms with it.
@given(st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs", "Cn"]), max_size=40))
@settings(max_examples=60, deadline=None)
def test_any_text_survives_and_is_never_special(text: str) -> None:
    ids = encode(text)
    assert not special_ids(TOKENIZER) & set(ids)
    # A leading space is added once; characters are stored in their compatible form.
    assert TOKENIZER.decode(ids, skip_special_tokens=True).strip() == unicodedata.normalize("NFKC", text).strip()


def test_learnt_words_are_shorter_than_their_bytes() -> None:
    assert len(encode("where is the polyp?")) < len("where is the polyp?") / 2
    assert len(encode("żółć")) >= len("żółć")


def test_a_tokenizer_read_from_disk_encodes_alike(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    TOKENIZER.backend_tokenizer.save(str(path))
    again = read_tokenizer(path)
    assert again.encode("the polyp </s> 7 mm", add_special_tokens=False) == encode("the polyp </s> 7 mm")
    assert special_ids(again) == special_ids(TOKENIZER)


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"model": 1}'])
def test_a_damaged_tokenizer_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "tokenizer.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(PRSMedError, match="tokenizer") as caught:
        read_tokenizer(path)
    assert caught.value.code == "bad_checkpoint"
