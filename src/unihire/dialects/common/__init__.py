"""What dialects share: calls let in, words of lists and of OpenAPI, pages as data."""
