"""Events: the change log as others read it."""
