"""Conversations kept in the scene: a text node a volume."""

from __future__ import annotations

import slicer

from PRSMedLib.conversation import Conversation
from PRSMedLib.i18n import tr as _
from PRSMedLib.problem import Problem

_OF_VOLUME = "PRSMed.Volume"
_ATTRIBUTE = "PRSMed.Conversation"


def conversationOf(volumeNode: slicer.vtkMRMLVolumeNode) -> Conversation:
    """The conversation about a volume; a new one when there is none.

    Raises:
        Problem: ``bad_conversation``, ``newer_conversation``; the text stays as it is.
    """
    node = _find(volumeNode)
    text = (node.GetText() or "") if node else ""
    return Conversation.fromJson(text) if text else Conversation()


def keep(volumeNode: slicer.vtkMRMLVolumeNode, conversation: Conversation) -> None:
    """Write a conversation into the scene. One that cannot be read is set aside, not overwritten."""
    node = _find(volumeNode)
    if node is not None and node.GetText():
        try:
            Conversation.fromJson(node.GetText())
        except Problem:
            node.SetNodeReferenceID(_OF_VOLUME, None)
            node = None
    if node is None:
        name = _("{0} conversation").format(volumeNode.GetName())
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", name)
        node.SetAttribute(_ATTRIBUTE, "1")
        node.SetNodeReferenceID(_OF_VOLUME, volumeNode.GetID())
    node.SetText(conversation.toJson())


def _find(volumeNode: slicer.vtkMRMLVolumeNode) -> slicer.vtkMRMLTextNode | None:
    for node in slicer.util.getNodesByClass("vtkMRMLTextNode"):
        if node.GetAttribute(_ATTRIBUTE) and node.GetNodeReferenceID(_OF_VOLUME) == volumeNode.GetID():
            return node
    return None
