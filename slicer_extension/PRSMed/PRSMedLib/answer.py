"""The server's answer: words, findings, and whether the two agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from PRSMedLib.i18n import tr as _

AGREE, DISAGREE, NOT_PRESENT, NOT_COMPARED = "agree", "disagree", "notPresent", "notCompared"


@dataclass(frozen=True)
class Finding:
    """One connected region of a mask.

    Attributes:
        label: Its value in the mask.
        name: What it is.
        zone: Place on the displayed image.
        patientSide: The patient's own ``"left"`` or ``"right"``; ``None`` where the image does not tell.
        centroidIjk: Its middle in voxel indices.
        diameterMm, areaMm2, volumeMm3: Its size; the volume is ``None`` for a single slice.
        confidence: Mean probability, 0..1.
    """

    label: int
    name: str
    zone: str = ""
    patientSide: str | None = None
    centroidIjk: tuple[float, float, float] = (0.0, 0.0, 0.0)
    diameterMm: float = 0.0
    areaMm2: float = 0.0
    volumeMm3: float | None = None
    confidence: float = 0.0

    @classmethod
    def fromServer(cls, told: Mapping[str, Any]) -> Finding:
        """Read one finding of the answer's JSON."""
        return cls(
            label=int(told.get("label", 1)),
            name=str(told.get("name", "")),
            zone=str(told.get("zone") or ""),
            patientSide=told.get("patient_side"),
            centroidIjk=tuple(float(value) for value in told.get("centroid_ijk") or (0.0, 0.0, 0.0)),  # type: ignore[arg-type]
            diameterMm=float(told.get("longest_diameter_mm") or 0.0),
            areaMm2=float(told.get("area_mm2") or 0.0),
            volumeMm3=told.get("volume_mm3"),
            confidence=float(told.get("confidence") or 0.0),
        )

    @property
    def size(self) -> str:
        """Diameter, and volume or area."""
        if self.volumeMm3 is not None:
            return _("{0:.0f} mm, {1:.1f} ml").format(self.diameterMm, self.volumeMm3 / 1000)
        return _("{0:.0f} mm, {1:.0f} mm²").format(self.diameterMm, self.areaMm2)

    @property
    def place(self) -> str:
        """Zone on the image and side of the patient."""
        if self.patientSide is None:
            return self.zone
        side = _("patient's left") if self.patientSide == "left" else _("patient's right")
        return _("{0} of the image, {1}").format(self.zone, side)


@dataclass(frozen=True)
class Answer:
    """What a question came back with; ``text`` is empty while words are still to come.

    Attributes:
        text: The model's words.
        findings: Largest first; empty when nothing is there.
        labelNames: Name to value in the mask.
        probability, threshold: Whether the target is there at all; ``None`` when the server does not say.
        textZone, maskZone: The places that were compared.
        agrees: The verdict; ``None`` when the words name no place.
        conversation: Id to go on with.
        version: Of the model.
        view: What was looked at, in the server's terms.
    """

    text: str = ""
    findings: tuple[Finding, ...] = ()
    labelNames: dict[str, int] = field(default_factory=dict)
    probability: float | None = None
    threshold: float = 0.5
    textZone: str | None = None
    maskZone: str = ""
    agrees: bool | None = None
    conversation: str | None = None
    version: str = ""
    view: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def fromServer(cls, told: Mapping[str, Any]) -> Answer:
        """Read the JSON of ``/infer``, or of the events ``mask`` and ``answer``."""
        present, agreement = told.get("present") or {}, told.get("agreement") or {}
        return cls(
            text=str(told.get("answer") or ""),
            findings=tuple(Finding.fromServer(each) for each in told.get("findings") or ()),
            labelNames={str(name): int(value) for name, value in (told.get("label_names") or {}).items()},
            probability=present.get("probability"),
            threshold=float(present.get("threshold", 0.5)),
            textZone=agreement.get("text_zone"),
            maskZone=str(agreement.get("mask_zone") or ""),
            agrees=agreement.get("agrees"),
            conversation=told.get("conversation"),
            version=str((told.get("model") or {}).get("version", "")),
            view=dict(told.get("view") or {}),
        )

    @classmethod
    def fromJson(cls, kept: Mapping[str, Any]) -> Answer:
        """The inverse of :meth:`toJson`."""
        known = {name: kept[name] for name in cls.__dataclass_fields__ if name in kept}
        findings = tuple(
            Finding(**{**each, "centroidIjk": tuple(each.get("centroidIjk", (0.0, 0.0, 0.0)))})
            for each in kept.get("findings", ())
        )
        return cls(**{**known, "findings": findings})

    def toJson(self) -> dict[str, Any]:
        """Plain values, for the scene."""
        return asdict(self)

    @property
    def verdict(self) -> str:
        """:data:`AGREE`, :data:`DISAGREE`, :data:`NOT_PRESENT` or :data:`NOT_COMPARED`."""
        if self.agrees is False:
            return DISAGREE
        if self.findings:
            return AGREE if self.agrees else NOT_COMPARED
        isImprobable = self.probability is not None and self.probability < self.threshold
        return NOT_PRESENT if self.agrees or isImprobable else NOT_COMPARED


def badge(answer: Answer) -> str:
    """The verdict in words."""
    if answer.verdict == DISAGREE:
        return _("words and mask disagree: the words say {0}, the mask is {1}").format(
            _placeWords(answer.textZone), _placeWords(answer.maskZone)
        )
    return {
        AGREE: _("words and mask agree"),
        NOT_PRESENT: _("not present"),
        NOT_COMPARED: _("the words name no place to compare") if answer.findings else _("nothing was outlined"),
    }[answer.verdict]


def _placeWords(zone: str | None) -> str:
    return _("“not there”") if zone == "none" else str(zone)
