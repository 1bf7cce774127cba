"""What every request meets: keys, limits, bodies, pages, files."""
