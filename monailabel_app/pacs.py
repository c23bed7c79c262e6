"""A DICOMweb server: what it has, series out of it, objects into it; its troubles in our words.

Error code: ``pacs_unreachable``, for whatever keeps us from it.
"""

from __future__ import annotations

import functools
import logging
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import requests
from dicomweb_client import DICOMwebClient
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import ExplicitVRLittleEndian
from requests.adapters import HTTPAdapter

from prsmed.errors import PRSMedError

logger = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")

UID = r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+"
_MAX_UID = 64
_CONNECT_SECONDS, _READ_SECONDS = 5, 60
_ATTEMPTS = 2
# As the series was stored: nothing is decompressed on the way.
_AS_STORED = (("application/dicom", "*"),)
_RAW = (("application/octet-stream", ExplicitVRLittleEndian),)
# Besides the images of a patient a study holds these: drawings, doses, plans, reports, curves, documents.
_NOT_IMAGES = frozenset(
    {
        *("SEG", "RTSTRUCT", "RTDOSE", "RTPLAN", "RTRECORD", "RTINTENT", "RTRAD", "PLAN", "SR", "PR", "KO", "REG"),
        *("RWV", "M3D", "DOC", "FID", "SMR", "ANN", "ASMT", "TEXTUREMAP", "STAIN", "OSS", "POS", "CFM", "DMS"),
        *("ECG", "EPS", "EEG", "EMG", "EOG", "HD", "RESP", "AU", "AR", "SRF", "KER", "LEN", "VA", "IOL", "OPV"),
    }
)


@dataclass(frozen=True)
class Series:
    """One series that the server has.

    Attributes:
        uid: Series Instance UID.
        study: Study Instance UID.
        modality: DICOM modality code, ``""`` when the server does not say.
        description: Series Description.
        num_instances: Its objects, 0 when the server does not say.
    """

    uid: str
    study: str
    modality: str
    description: str
    num_instances: int

    @property
    def is_image(self) -> bool:
        """Whether it shows a patient, rather than what was drawn or said about one."""
        return self.modality not in _NOT_IMAGES


class BadAnswer(PRSMedError):
    """The server is there, but what it answered is of no use; another series may still be had."""


def is_uid(value: object) -> bool:
    """Whether something is written as a DICOM UID."""
    return isinstance(value, str) and len(value) <= _MAX_UID and re.fullmatch(UID, value) is not None


def _in_our_words(ask: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(ask)
    def asked(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return ask(*args, **kwargs)
        except PRSMedError:
            raise
        except requests.HTTPError as error:
            status = error.response.status_code if error.response is not None else "no"
            raise BadAnswer(
                "pacs_unreachable",
                f"the DICOM server answered with status {status}; ask whoever runs it, or try again later",
            ) from error
        except requests.RequestException as error:
            raise PRSMedError("pacs_unreachable", "the DICOM server does not answer; try again later") from error
        except (AttributeError, EOFError, InvalidDicomError, LookupError, TypeError, ValueError) as error:
            raise BadAnswer(
                "pacs_unreachable", "the DICOM server's answer is not what DICOMweb says; ask whoever runs it"
            ) from error

    return asked


class Pacs:
    """A DICOMweb server. Safe to use from several threads.

    Args:
        client: Knows its address and how to sign in.
        fetch_by_frame: Ask for headers and frames instead of whole objects, as some servers need.
    """

    def __init__(self, client: DICOMwebClient, *, fetch_by_frame: bool = False) -> None:
        self._client = client
        self._fetch_by_frame = fetch_by_frame
        for scheme in ("http://", "https://"):
            client._session.mount(scheme, _TimeLimited())
        client.set_http_retry_params(max_attempts=_ATTEMPTS, wait_exponential_multiplier=100)

    @_in_our_words
    def find(self, filters: Mapping[str, Any]) -> list[Series]:
        """The series that a search finds.

        Raises:
            PRSMedError: See the module.
        """
        found = self._client.search_for_series(search_filters=dict(filters), fields=["SeriesDescription"])
        return [_series(Dataset.from_json(item)) for item in found]

    @_in_our_words
    def download(self, series: Series, folder: Path) -> None:
        """Put the objects of a series into ``folder``, which is there once all of it is.

        Raises:
            PRSMedError: See the module; also when some of it did not come.
        """
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".part-"))
        try:
            fetch = self._by_frame if self._fetch_by_frame else self._whole
            number = 0
            for number, dataset in enumerate(fetch(series), start=1):
                if str(dataset.SeriesInstanceUID) != series.uid:
                    raise ValueError("an object of another series")
                dataset.save_as(part / f"{number:05}.dcm", write_like_original=False)
            if number < max(1, series.num_instances):
                raise PRSMedError(
                    "pacs_unreachable",
                    f"{number} of the series' {series.num_instances} objects came from the DICOM server; try again",
                )
            if not folder.exists():  # another process may have been faster
                part.replace(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    @_in_our_words
    def store(self, datasets: Sequence[Dataset]) -> None:
        """Put objects into it.

        Raises:
            PRSMedError: See the module; also when it did not take all of them.
        """
        answer = self._client.store_instances(list(datasets))
        refused = answer.get("FailedSOPSequence") or []
        if refused:
            raise PRSMedError(
                "pacs_unreachable",
                f"the DICOM server did not take {len(refused)} of {len(datasets)} objects; ask whoever runs it",
            )

    def _whole(self, series: Series) -> Any:
        return self._client.iter_series(series.study, series.uid, media_types=_AS_STORED)

    def _by_frame(self, series: Series) -> Any:
        for item in self._client.retrieve_series_metadata(series.study, series.uid):
            dataset = Dataset.from_json(item, bulk_data_uri_handler=lambda uri: b"")
            frames = range(1, int(dataset.get("NumberOfFrames") or 1) + 1)
            uid = str(dataset.SOPInstanceUID)
            pixels = b"".join(
                self._client.retrieve_instance_frames(series.study, series.uid, uid, list(frames), media_types=_RAW)
            )
            dataset.PixelData = pixels + b"\0" * (len(pixels) % 2)
            dataset["PixelData"].VR = "OB" if int(dataset.BitsAllocated) <= 8 else "OW"
            dataset.is_little_endian, dataset.is_implicit_VR = True, False
            dataset.file_meta = FileMetaDataset()
            dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
            dataset.file_meta.MediaStorageSOPInstanceUID = uid
            yield dataset


class _TimeLimited(HTTPAdapter):
    """Waits for an answer, but not for ever."""

    def send(self, request: Any, **options: Any) -> Any:  # type: ignore[override]
        """As the base class, with our time limits."""
        return super().send(request, **{**options, "timeout": (_CONNECT_SECONDS, _READ_SECONDS)})


def _series(item: Dataset) -> Series:
    uid, study = str(item.SeriesInstanceUID), str(item.StudyInstanceUID)
    if not (is_uid(uid) and is_uid(study)):
        raise ValueError("not a UID")
    return Series(
        uid,
        study,
        str(item.get("Modality") or ""),
        str(item.get("SeriesDescription") or ""),
        int(item.get("NumberOfSeriesRelatedInstances") or 0),
    )
