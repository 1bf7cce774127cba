-- What richer faces show of a record beside its body: a JSON object without what is null, {} where there is nothing.
-- Null: it was saved before there was this column. As body it stays in the row, and no index is chosen by it.
ALTER TABLE record ADD COLUMN more bytea;
ALTER TABLE record ALTER COLUMN more SET STORAGE MAIN;
ALTER TABLE record ALTER COLUMN more SET STATISTICS 0;
