"""The link flow: a customer connects their own system, on a page that a token opens."""
