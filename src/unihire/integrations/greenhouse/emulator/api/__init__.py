"""What every request meets: sign-in, limits, routes."""
