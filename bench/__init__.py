"""Measures what "fast" means here, as ratios in one run: `make bench`. What is measured, and how: docs/bench.md."""
