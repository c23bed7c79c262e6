"""Learning from corrections: versions of a model, the gate between them, and what is held out for it."""
