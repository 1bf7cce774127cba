-- Rows that were read again by their ids while pages of a run were on their way: an older page is not believed of them.

-- The feed's positions at which the row was asked for and saved. Emptied when a run is taken up: no page from before is
-- saved after that.
CREATE TABLE row_read (
    connector integer NOT NULL REFERENCES connector (number) ON DELETE CASCADE,
    stream text NOT NULL,
    row_id text NOT NULL,
    asked_seq bigint NOT NULL,
    saved_seq bigint NOT NULL,
    PRIMARY KEY (connector, stream, row_id)
);

-- As everywhere: docs/decisions/0019-one-look-one-index.md.
ALTER TABLE row_read ALTER COLUMN connector SET STATISTICS 0;

-- The latest of these positions: what was asked for after it need not look at them.
ALTER TABLE connector ADD COLUMN rows_read_seq bigint NOT NULL DEFAULT 0;
