"""Weights of others, read in the layout and under the names their owners gave them."""
