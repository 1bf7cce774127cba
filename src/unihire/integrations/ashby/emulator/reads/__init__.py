"""What is read: lists, searches and single things."""
