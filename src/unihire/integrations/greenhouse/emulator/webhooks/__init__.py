"""The vendor's webhooks: which changes are sent, and how."""
