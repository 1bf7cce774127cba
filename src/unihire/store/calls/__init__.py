"""What operations leave: calls under idempotency keys, and writes sent to vendors."""
