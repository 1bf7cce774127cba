-- Beside `more` a row is so long that its keys, short as they are, were stored out of line: one row more to write for each
-- record, and to read wherever keys are compared. They stay in the row while there is room.
ALTER TABLE record ALTER COLUMN keys SET STORAGE MAIN;
