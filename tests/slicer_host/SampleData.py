"""`SampleData`: what modules register is kept, to be looked at."""

from __future__ import annotations

from typing import Any, ClassVar


class SampleDataLogic:
    """Keeps the sources that modules register."""

    registered: ClassVar[list[dict[str, Any]]] = []

    @staticmethod
    def registerCustomSampleDataSource(
        category: str = "Custom",
        sampleName: str | None = None,
        uris: Any = None,
        fileNames: Any = None,
        nodeNames: Any = None,
        customDownloader: Any = None,
        thumbnailFileName: str | None = None,
        loadFileType: Any = None,
        loadFiles: Any = None,
        loadFileProperties: Any = None,
        checksums: Any = None,
    ) -> None:
        # As many of each, or the real one fails.
        if uris is None or len([uris]) != len([fileNames]):
            raise TypeError("a source needs uris and as many fileNames")
        source = {"uris": uris, "fileNames": fileNames, "nodeNames": nodeNames, "customDownloader": customDownloader}
        told = {"category": category, "sampleName": sampleName, "thumbnailFileName": thumbnailFileName}
        SampleDataLogic.registered.append({**told, **source})
