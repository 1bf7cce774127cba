"""What is reported to subscribers."""
