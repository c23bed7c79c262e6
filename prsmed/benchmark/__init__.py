"""How fast questions are answered and models trained here, beside the plain way (docs/benchmark.md)."""
