"""Judges: language models asked whether an answer names the true place, and how far they agree with others."""
