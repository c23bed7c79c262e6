"""PRS-Med: ask a medical image a question, get a mask and an answer that has been checked against it."""

__version__ = "0.1.0"
