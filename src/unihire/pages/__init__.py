"""Pages for people: where customers connect their systems."""
