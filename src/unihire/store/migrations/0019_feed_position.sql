-- What readers were shown of a feed stays behind them, whatever a crash of the server takes back.

-- No position beyond this one is given before it is raised on the disk.
ALTER TABLE connector ADD COLUMN reserved_seq bigint NOT NULL DEFAULT 0;

-- The connectors for which something was saved since the server crashed last: a crash empties an unlogged table, and on
-- a replica that takes over it is empty.
CREATE UNLOGGED TABLE feed_alive (
    connector integer PRIMARY KEY REFERENCES connector (number) ON DELETE CASCADE
);

-- As everywhere: docs/decisions/0019-one-look-one-index.md.
ALTER TABLE feed_alive ALTER COLUMN connector SET STATISTICS 0;
