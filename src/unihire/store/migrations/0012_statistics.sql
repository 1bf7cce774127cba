-- No query compares these by their size or order: to sort a sample of them for the planner took a quarter of the time that
-- telling it how much is stored takes.
ALTER TABLE record
    ALTER COLUMN fingerprint SET STATISTICS 0,
    ALTER COLUMN body SET STATISTICS 0,
    ALTER COLUMN raw SET STATISTICS 0,
    ALTER COLUMN custom SET STATISTICS 0,
    ALTER COLUMN words SET STATISTICS 0;
ALTER TABLE joined ALTER COLUMN data SET STATISTICS 0;
