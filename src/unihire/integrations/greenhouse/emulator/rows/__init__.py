"""The rows of the made-up account, computed as they are asked for."""
