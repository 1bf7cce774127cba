"""How a transaction commits."""

# A refresh token that was spent cannot be had again: its successor is on the disk before it is used. So is a key, a
# token or a secret before it is shown.
INSIST_ON_COMMIT = "SET LOCAL synchronous_commit TO on"
