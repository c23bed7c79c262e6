"""On which side of the patient is it?"""

from __future__ import annotations

from prsmed.data.questions.findings import findings_of
from prsmed.data.questions.names import names_a_side
from prsmed.data.questions.scene import Said, Scene
from prsmed.data.schema import Turn
from prsmed.data.shown import Shown
from prsmed.position.sentences import Frame

_FRAMES: tuple[Frame, ...] = ("patient", "both")

_LEAST_MM, _LEAST_HEAD_MM = 300.0, 140.0  # narrower images do not show both sides of a body, or of a head


def ask_patient_side(scene: Scene) -> tuple[Turn, ...]:
    """Ask for the patient's own left or right, where patient space is known and every region is clearly on a side.

    Sides are told from the middle of the image. Volumes cut around a target, whose middle is not the patient's, are
    not asked about.
    """
    frame = scene.pick(_FRAMES)
    sides = (
        tuple(finding.patient_side for finding in findings_of(scene))
        if scene.is_known and _spans_patient(scene.shown)
        else ()
    )
    known = tuple(side for side in sides if side is not None)
    name = scene.own_name()
    if not known or len(known) != len(sides) or names_a_side(name):
        return ()
    said = Said(name, scene.positions, None, known, frame)
    return (scene.turn(scene.phrase("patient_side", "questions"), scene.phrase("patient_side", "answers"), said),)


def _spans_patient(shown: Shown) -> bool:
    """Whether an image reaches from one side of the patient to the other."""
    image_slice = shown.image_slice
    if image_slice is None:
        return False
    if image_slice.plane == "sagittal":
        width = image_slice.volume_shape[image_slice.axes[2]] * image_slice.thickness_mm
    else:
        width = image_slice.shape[1] * image_slice.spacing[1]
    return width >= (_LEAST_HEAD_MM if "brain" in shown.record.modality else _LEAST_MM)
