"""The write gate: every write to a connector's records, in one locked transaction."""
