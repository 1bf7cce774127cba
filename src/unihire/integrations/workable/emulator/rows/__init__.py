"""The rows there are."""
