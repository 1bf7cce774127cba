-- The change log: what became of records, in feed order. One row has the events of a page, packed
-- (store/events/packing.py); `last_seq` is the feed position of the last of them. `xid` is the transaction that saved them.
CREATE TABLE event_page (
    connector integer NOT NULL,
    last_seq bigint NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    packed bytea NOT NULL,
    PRIMARY KEY (connector, last_seq)
) WITH (autovacuum_vacuum_scale_factor = 0.03, autovacuum_vacuum_insert_scale_factor = 0.1, toast_tuple_target = 8160);

-- Ids do not compress, and a row of it is written in one piece.
ALTER TABLE event_page ALTER COLUMN packed SET STORAGE EXTERNAL;

-- The order over all connectors. As everywhere an index is there for who names it, and this one is named by its condition:
-- docs/decisions/0019-one-look-one-index.md.
CREATE INDEX event_page_order ON event_page (xid, connector, last_seq) WHERE xid > '0'::xid8;

-- Up to where a connector's log was cut by retention: who reads from before has missed events.
CREATE TABLE event_cut (
    connector integer PRIMARY KEY REFERENCES connector (number) ON DELETE CASCADE,
    seq bigint NOT NULL,
    xid xid8 NOT NULL
);

CREATE INDEX event_cut_order ON event_cut (xid, connector, seq) WHERE xid > '0'::xid8;

ALTER TABLE event_page ALTER COLUMN connector SET STATISTICS 0;
ALTER TABLE event_cut ALTER COLUMN connector SET STATISTICS 0;

-- The server and the database that wrote the log, and a number that another one has another of: one row.
CREATE TABLE event_epoch (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    epoch bigint NOT NULL,
    server text NOT NULL
);

-- A number that is drawn anew after each crash and failover, which empties the table: one row, or none.
CREATE UNLOGGED TABLE event_alive (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    token bigint NOT NULL
);
