"""The sections of the PRS-Med panel: Qt and MRML. What needs no window is in PRSMedLib."""
