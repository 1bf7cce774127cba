"""What requests change: bodies read, rows stored, and all that follows from it."""
