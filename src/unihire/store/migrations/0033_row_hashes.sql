-- What a complete read finds unchanged costs next to nothing: docs/decisions/0027-rows-that-did-not-change.md.

-- A hash of the vendor's row and of what made records of it; null where the row is to be mapped again when it comes.
ALTER TABLE record ADD COLUMN row_hash bigint;
ALTER TABLE record ALTER COLUMN row_hash SET STATISTICS 0;
ALTER TABLE joined ADD COLUMN row_hash bigint;
ALTER TABLE joined ALTER COLUMN row_hash SET STATISTICS 0;

-- The records that a complete read has met so far, page by page; emptied when it ends. Programs of before note them one
-- by one in seen.
CREATE TABLE seen_page (
    connector integer NOT NULL REFERENCES connector (number) ON DELETE CASCADE,
    stream text NOT NULL,
    number bigint NOT NULL,
    ids uuid[] NOT NULL,
    PRIMARY KEY (connector, stream, number)
);

-- As everywhere: docs/decisions/0019-one-look-one-index.md.
ALTER TABLE seen_page ALTER COLUMN connector SET STATISTICS 0;
ALTER TABLE seen_page ALTER COLUMN ids SET STATISTICS 0;
