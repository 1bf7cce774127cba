-- Texts are compared in one form from now on: the keys of records by which filters find them are rebuilt.

-- A connector that is yet to be looked over, twice: sync/refiling.py says why. `after` is the place in the feed behind
-- which its records are. This table goes again: nothing is added to it after this.
CREATE TABLE refiling (
    connector integer PRIMARY KEY REFERENCES connector (number) ON DELETE CASCADE,
    after bigint NOT NULL DEFAULT 0,
    is_last boolean NOT NULL DEFAULT false,
    due_at timestamptz NOT NULL DEFAULT now()
);

-- As everywhere: docs/decisions/0019-one-look-one-index.md.
ALTER TABLE refiling ALTER COLUMN connector SET STATISTICS 0;

INSERT INTO refiling (connector) SELECT number FROM connector;
