"""`SampleData`: what modules register is kept, to be looked at."""

from __future__ import annotations

from typing import Any, ClassVar


class SampleDataLogic:
    """Keeps the sources that modules register."""

    registered: ClassVar[list[dict[str, Any]]] = []

    @staticmethod
    def registerCustomSampleDataSource(category: str = "Custom", sampleName: str | None = None, **source: Any) -> None:
        SampleDataLogic.registered.append({"category": category, "sampleName": sampleName, **source})
