"""The desk as the settings want it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from monailabel_app.ask import AskTask
from monailabel_app.next_study.desk import Desk
from monailabel_app.next_study.questions import check_prompt
from monailabel_app.next_study.scorer import Scorer
from monailabel_app.next_study.scores import FILE, Scores
from monailabel_app.settings import ServerSettings


def open_desk(task: AskTask, datastore: Any, chosen: ServerSettings) -> Desk:
    """A desk over a datastore; its scores are kept with the datastore's own files.

    Raises:
        PRSMedError: ``control_characters`` of the question that was set.
    """
    home: Path | None = getattr(datastore, "home", None)
    scorer = Scorer(task, datastore, Scores(home / FILE if home else None), check_prompt(chosen.question))
    return Desk(datastore, task.volumes, scorer, 60 * chosen.lease_minutes)


def scores_in_background(studies: str, chosen: ServerSettings) -> bool:
    """Whether images are to be scored: those of a PACS would all be downloaded, so only when asked for."""
    is_remote = studies.startswith(("http://", "https://"))
    return chosen.scoring == "all" or (chosen.scoring == "auto" and not is_remote)
