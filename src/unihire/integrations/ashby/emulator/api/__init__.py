"""What every request meets: keys, limits, bodies, envelopes, pages."""
