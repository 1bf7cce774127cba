"""What is reported to receivers."""
