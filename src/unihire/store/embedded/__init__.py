"""The embedded server: PostgreSQL's programs, run by us for as long as somebody uses them."""
