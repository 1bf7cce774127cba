-- Tombstones of a connector, to count and remove them without looking at everybody's records.
CREATE INDEX record_deleted ON record (connector, model) WHERE deleted_at IS NOT NULL;
