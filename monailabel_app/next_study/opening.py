"""The desk as the settings want it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from monailabel_app.ask import AskTask
from monailabel_app.next_study.desk import Desk
from monailabel_app.next_study.questions import check_prompt
from monailabel_app.next_study.scorer import Scorer
from monailabel_app.next_study.scores import FILE, Scores
from monailabel_app.settings import ServerSettings


def open_desk(
    task: AskTask, datastore: Any, chosen: ServerSettings, is_taken: Callable[[], bool] = lambda: False
) -> Desk:
    """A desk over a datastore; its scores are kept with the datastore's own files.

    Args:
        task: The model.
        datastore: MONAI Label's.
        chosen: How it was set.
        is_taken: Whether a training wants the device for itself; images are scored afterwards.

    Raises:
        PRSMedError: ``control_characters`` of the question that was set.
    """
    home: Path | None = getattr(datastore, "home", None)
    scores = Scores(home / FILE if home else None)
    scorer = Scorer(task, datastore, scores, check_prompt(chosen.question), is_taken)
    return Desk(datastore, task.volumes, scorer, 60 * chosen.lease_minutes)


def scores_in_background(studies: str, chosen: ServerSettings) -> bool:
    """Whether images are to be scored: those of a PACS would all be downloaded, so only when asked for."""
    is_remote = studies.startswith(("http://", "https://"))
    return chosen.scoring == "all" or (chosen.scoring == "auto" and not is_remote)
