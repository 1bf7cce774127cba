"""What we serve: one folder a dialect."""
