-- What this one was for, record_tombstones does as well.
DROP INDEX record_deleted;
