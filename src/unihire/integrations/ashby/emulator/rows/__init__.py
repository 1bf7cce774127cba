"""The made-up account: rows computed from the seed, under the rows that people changed."""
