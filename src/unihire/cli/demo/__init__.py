"""`unihire demo`."""
