"""What the vendor tells of changes, and how."""
