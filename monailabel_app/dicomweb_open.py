"""The datastore of a DICOMweb server from MONAI Label's settings."""

from __future__ import annotations

import logging
from pathlib import Path

from dicomweb_client import DICOMwebClient
from dicomweb_client.session_utils import create_session_from_gcp_credentials, create_session_from_user_pass
from monailabel.config import settings
from monailabel.datastore.dicom import DICOMwebClientX
from monailabel.utils.others.generic import md5_digest

from monailabel_app.dicomweb import RemoteStudies
from monailabel_app.pacs import Pacs


def open_remote(url: str) -> RemoteStudies:
    """The datastore of a DICOMweb server, as MONAI Label's settings ``MONAI_LABEL_DICOMWEB_...`` want it.

    MONAI Label lists CT only unless told otherwise; here all images are listed unless a search filter is set.
    """
    # It tells the UIDs of what it writes.
    logging.getLogger("highdicom").setLevel(logging.WARNING)
    user, password = settings.MONAI_LABEL_DICOMWEB_USERNAME, settings.MONAI_LABEL_DICOMWEB_PASSWORD
    if "googleapis.com" in url:
        client = DICOMwebClient(url=url, session=create_session_from_gcp_credentials())
    else:
        client = DICOMwebClientX(
            url=url,
            session=create_session_from_user_pass(user, password) if user and password else None,
            qido_url_prefix=settings.MONAI_LABEL_QIDO_PREFIX,
            wado_url_prefix=settings.MONAI_LABEL_WADO_PREFIX,
            stow_url_prefix=settings.MONAI_LABEL_STOW_PREFIX,
        )
    cache = settings.MONAI_LABEL_DICOMWEB_CACHE_PATH.strip() or Path.home() / ".cache" / "monailabel" / "dicom"
    is_search_set = "MONAI_LABEL_DICOMWEB_SEARCH_FILTER" in settings.model_fields_set
    return RemoteStudies(
        Pacs(client, fetch_by_frame=settings.MONAI_LABEL_DICOMWEB_FETCH_BY_FRAME),
        Path(cache) / md5_digest(client.base_url),
        search=settings.MONAI_LABEL_DICOMWEB_SEARCH_FILTER if is_search_set else None,
        as_file=settings.MONAI_LABEL_DICOMWEB_CONVERT_TO_NIFTI,
    )
