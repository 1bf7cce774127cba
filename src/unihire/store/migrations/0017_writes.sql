-- Writes that operations sent, and the row each made: what one call has made, no other takes for its own.

CREATE TABLE operation_write (
    connector integer NOT NULL REFERENCES connector (number) ON DELETE CASCADE,
    id uuid NOT NULL,
    stream text NOT NULL,
    sent_at timestamptz NOT NULL,
    is_open boolean NOT NULL,
    row_id text,
    PRIMARY KEY (connector, id)
);

-- As everywhere: docs/decisions/0019-one-look-one-index.md.
ALTER TABLE operation_write ALTER COLUMN connector SET STATISTICS 0;

CREATE UNIQUE INDEX operation_write_row ON operation_write (connector, stream, row_id) WHERE row_id IS NOT NULL;

CREATE INDEX operation_write_open ON operation_write (connector, stream) WHERE is_open;
