"""Events: what became of records, written down by the transaction that saves them."""
