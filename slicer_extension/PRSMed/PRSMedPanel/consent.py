"""Before an image leaves this computer."""

from __future__ import annotations

import slicer

from PRSMedLib import volumes
from PRSMedLib.i18n import tr as _
from PRSMedLib.server import Server
from PRSMedPanel import preferences


def mayBeSent(volumeNode: slicer.vtkMRMLVolumeNode, server: Server) -> bool:
    """Ask once for each server that is not this computer; remember a yes, not a no."""
    if server.isThisComputer or preferences.hasConsented(server):
        return True
    text = _(
        "The voxels of {0} ({1:.0f} MB) will be sent to {2}. Its name, the patient's name and other DICOM "
        "data are not sent, but the image itself may show who it is of (faces, burnt-in text)."
    ).format(volumeNode.GetName(), volumes.megabytes(volumeNode), server.address)
    if not server.isEncrypted:
        text += "\n\n" + _("The connection is not encrypted: others on the network can see the image.")
    text += "\n\n" + _("Send images to this server from now on?")
    if not slicer.util.confirmYesNoDisplay(text, windowTitle=_("Send the image?")):
        return False
    preferences.keepConsent(server)
    return True
