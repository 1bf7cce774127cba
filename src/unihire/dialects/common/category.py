"""What kind of systems the connectors are linked to."""

CATEGORY = "ATS"
