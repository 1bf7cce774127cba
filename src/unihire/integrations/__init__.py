"""The vendors: one folder each. Nobody imports them by name; the registry finds them."""
