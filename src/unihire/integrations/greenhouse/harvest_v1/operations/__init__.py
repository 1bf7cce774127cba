"""The operations of Harvest v1, by what they read or create."""
