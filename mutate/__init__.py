"""What `make mutate` runs: single mutations of what changed, and whether the tests notice."""
