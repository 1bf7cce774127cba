"""The shapes in which Harvest v1 showed things, made from rows of v3."""
