"""Our own API about this installation and its records, beside the faces of other APIs."""
