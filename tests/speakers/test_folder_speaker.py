"""A language model in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_folder import save_model

from prsmed.errors import PRSMedError
from prsmed.speakers import FolderSpeaker


@pytest.mark.parametrize("chat", [False, True])
def test_a_model_in_a_folder_speaks(tmp_path: Path, chat: bool) -> None:
    speaker = FolderSpeaker(save_model(tmp_path, context=64, chat=chat))
    reply = speaker.say("where is polyp")
    assert reply == speaker.say("where is polyp")
    assert reply
    assert set(reply.split()) <= {"where", "polyp", "is"}


def test_a_prompt_that_does_not_fit_the_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(PRSMedError) as error:
        FolderSpeaker(save_model(tmp_path, context=8, chat=False)).say("where is polyp " * 5)
    assert error.value.code == "prompt_too_long"


def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(PRSMedError) as error:
            FolderSpeaker(folder)
        assert error.value.code == "bad_model_folder"


def test_a_reply_is_no_longer_than_asked_for(tmp_path: Path) -> None:
    folder = save_model(tmp_path, context=64, chat=False)
    assert len(FolderSpeaker(folder, max_tokens=3).say("where is polyp").split()) <= 3
