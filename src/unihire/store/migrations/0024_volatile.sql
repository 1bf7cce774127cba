-- What of records is no content and another with each read, such as the signature in a link.

-- `parts` is what store/volatile.py takes out of a record and puts in where it is read. It is stored anew by the first
-- read after `refresh_at`; null: by each. Half of a page is left free: there the next versions of its rows have room, and
-- in no index anything changes. No foreign key, as record has none.
CREATE TABLE record_volatile (
    connector integer NOT NULL,
    id uuid NOT NULL,
    parts bytea NOT NULL,
    refresh_at timestamptz,
    PRIMARY KEY (connector, id)
) WITH (fillfactor = 45);

-- Out of line they would leave their old versions there at each change, until the next vacuum.
ALTER TABLE record_volatile ALTER COLUMN parts SET STORAGE MAIN;

-- As everywhere: docs/decisions/0019-one-look-one-index.md.
ALTER TABLE record_volatile ALTER COLUMN connector SET STATISTICS 0;
