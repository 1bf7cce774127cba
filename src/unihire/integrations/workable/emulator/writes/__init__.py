"""What is written, with its effects."""
