-- How many rows to expect, stream_state says.
ALTER TABLE stream_run DROP COLUMN expected;
