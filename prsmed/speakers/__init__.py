"""Language models that reply to a text: behind an OpenAI-compatible endpoint, or in a folder on this machine."""

from prsmed.speakers.endpoint import KEY_VARIABLE, EndpointSpeaker
from prsmed.speakers.folder import FolderSpeaker
from prsmed.speakers.replies import Replies
from prsmed.speakers.speaker import Speaker

__all__ = ["KEY_VARIABLE", "EndpointSpeaker", "FolderSpeaker", "Replies", "Speaker"]
