"""The one way in for records: a connector's feed, locked, compared with what came, and moved on."""
