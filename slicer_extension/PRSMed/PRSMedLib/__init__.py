"""What the PRS-Med panel does without a window: the server's protocol, slice geometry, conversations, segments.

Nothing here imports Qt. ``volumes``, ``segments``, ``views`` and ``notes`` stand on MRML; the rest runs in any Python
with numpy and requests, which are imported where they are needed so that Slicer starts without them.
"""
