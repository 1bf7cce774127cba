"""What is stored of events: the log of changes, where they are sent, and how far."""
