"""What the tests stand on: databases, tenants, records of every model, a vendor that answers as told."""
