"""How large is it: in millimetres where a volume tells them, else as a share of the picture."""

from __future__ import annotations

from prsmed.data.questions.findings import findings_of
from prsmed.data.questions.scene import Said, Scene
from prsmed.data.schema import Turn
from prsmed.data.wording.words import capitals

_CLEARLY = 1.1  # times as large as the second region: then it is the largest at any resolution
_LEAST_PERCENT = 0.01


def ask_size(scene: Scene) -> tuple[Turn, ...]:
    """Ask for the longest diameter and area; of pictures, for the share of the image that all regions take."""
    if not scene.is_known:
        return ()
    return _ask_share(scene) if scene.shown.image_slice is None else _ask_millimetres(scene)


def _ask_millimetres(scene: Scene) -> tuple[Turn, ...]:
    findings = findings_of(scene)
    if not findings:
        return ()
    several = len(findings) > 1
    if several and findings[0].area_mm2 < _CLEARLY * findings[1].area_mm2:
        return ()
    positions = scene.positions[:1]
    words = {"long": rounded(findings[0].longest_diameter_mm), "area": rounded(findings[0].area_mm2)}
    turn = scene.turn(
        scene.phrase("size", "questions"),
        scene.phrase("size", "largest" if several else "answers"),
        Said(scene.own_name(), positions, (0,) if several else None),
        capitals(words),
    )
    return (turn,)


def _ask_share(scene: Scene) -> tuple[Turn, ...]:
    percent = 100 * float((scene.shown.mask > 0).mean())
    if percent < _LEAST_PERCENT:
        return ()
    turn = scene.turn(
        scene.phrase("size", "share_questions"),
        scene.phrase("size", "share_answers"),
        Said(scene.own_name(), scene.positions),
        capitals({"share": rounded(percent)}),
    )
    return (turn,)


def rounded(value: float) -> str:
    """Two digits that count, or all before the point: ``"0.034"``, ``"3.4"``, ``"34"``, ``"341"``."""
    return f"{value:.2g}" if value < 9.95 else f"{value:.0f}"
