"""Where is it: zones of a mask, patient space, sentences about it, and reading them back."""
