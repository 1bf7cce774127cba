-- A hash of what richer faces show of a record, for comparison. The fingerprint stays that of body and row, which is what
-- programs of before compare. Null: it was saved before there was this column.
ALTER TABLE record ADD COLUMN more_hash bigint;
ALTER TABLE record ALTER COLUMN more_hash SET STATISTICS 0;
