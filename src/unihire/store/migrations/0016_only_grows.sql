-- Version 10 dropped this column while programs of before still read it. It is back for those of them that are at work
-- while a newer program migrates; nobody else uses it.
ALTER TABLE stream_run ADD COLUMN expected bigint;

-- When what is done now and then was done last.
CREATE TABLE chore (
    name text PRIMARY KEY,
    done_at timestamptz NOT NULL
);

-- `failures` counts, in a row and without a page saved, what ended an attempt at the stream and nobody foresaw.
ALTER TABLE stream_run ADD COLUMN failures integer NOT NULL DEFAULT 0;

-- `wrong_answers` counts answers to calls by id that were of other rows than asked for. `growth` is what the walk has met
-- so far, as sync/growth.py writes it: stored with its position, null before its first page.
ALTER TABLE stream_run
    ADD COLUMN wrong_answers bigint NOT NULL DEFAULT 0,
    ADD COLUMN growth bytea;
