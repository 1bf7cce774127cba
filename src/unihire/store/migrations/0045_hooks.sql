-- Hooks: addresses at which vendors report changes, and what they reported.

-- What a connector's deliveries are verified with, sealed, and what was made over the vendor's API.
CREATE TABLE hook (
    connector integer PRIMARY KEY REFERENCES connector (number) ON DELETE CASCADE,
    secrets bytea,
    subscriptions text[] NOT NULL DEFAULT '{}',
    made_at timestamptz NOT NULL DEFAULT now()
);

-- The tokens that are in the addresses, by their hashes; one that was replaced ends.
CREATE TABLE hook_token (
    hash bytea PRIMARY KEY,
    connector integer NOT NULL REFERENCES connector (number) ON DELETE CASCADE,
    ends_at timestamptz
);

CREATE INDEX hook_token_of ON hook_token (connector);

-- Deliveries that were written down, by a hash of the vendor's id of the event: none is taken twice.
CREATE TABLE inbox_delivery (
    connector integer NOT NULL REFERENCES connector (number) ON DELETE CASCADE,
    event bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (connector, event)
) WITH (autovacuum_vacuum_scale_factor = 0.03, autovacuum_vacuum_insert_scale_factor = 0.1);

CREATE INDEX inbox_delivery_age ON inbox_delivery (connector, received_at);

-- Rows that they say have changed, to be read again: by their ids, or by the value of a member. `version` is the
-- transaction that touched the row last, `touched_at` when it was touched first since it was read.
CREATE TABLE inbox_touch (
    connector integer NOT NULL REFERENCES connector (number) ON DELETE CASCADE,
    stream text NOT NULL,
    member text NOT NULL DEFAULT '',
    value text NOT NULL,
    is_gone boolean NOT NULL,
    is_wide boolean NOT NULL,
    version bigint NOT NULL,
    touched_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    tries smallint NOT NULL DEFAULT 0,
    PRIMARY KEY (connector, stream, member, value)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE INDEX inbox_touch_due ON inbox_touch (connector, due_at);

-- When a connector's touched rows are to be read, and who is at it. Its row is locked before those of its touches.
CREATE TABLE inbox (
    connector integer PRIMARY KEY REFERENCES connector (number) ON DELETE CASCADE,
    due_at timestamptz,
    not_before timestamptz,
    claim uuid,
    failures integer NOT NULL DEFAULT 0,
    last_delivery_at timestamptz
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);

CREATE INDEX inbox_due ON inbox (due_at) WHERE due_at IS NOT NULL;

-- As everywhere: docs/decisions/0019-one-look-one-index.md.
ALTER TABLE hook ALTER COLUMN connector SET STATISTICS 0;
ALTER TABLE hook_token ALTER COLUMN connector SET STATISTICS 0;
ALTER TABLE inbox_delivery ALTER COLUMN connector SET STATISTICS 0;
ALTER TABLE inbox_touch ALTER COLUMN connector SET STATISTICS 0;
ALTER TABLE inbox ALTER COLUMN connector SET STATISTICS 0;
