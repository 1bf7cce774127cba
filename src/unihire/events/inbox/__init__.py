"""What vendors report of changes: received, written down, and the rows read again."""
