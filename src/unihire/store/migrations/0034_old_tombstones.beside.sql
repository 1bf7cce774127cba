-- Tombstones that have content still, by when they were deleted.
CREATE INDEX CONCURRENTLY record_old_tombstones ON record (connector, deleted_at)
    WHERE deleted_at IS NOT NULL AND fingerprint <> '';
