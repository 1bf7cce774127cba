-- Tombstones of a list, in feed order: read by those who ask for deleted records, and written when a record is deleted.
CREATE INDEX CONCURRENTLY record_tombstones ON record (connector, model, seq) WHERE deleted_at IS NOT NULL;
