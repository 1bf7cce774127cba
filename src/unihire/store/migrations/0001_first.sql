-- Who uses the installation, what they connected, and the records themselves.

CREATE TABLE organisation (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_key (
    id uuid PRIMARY KEY,
    hash bytea NOT NULL UNIQUE,
    organisation uuid NOT NULL REFERENCES organisation ON DELETE CASCADE,
    environment text NOT NULL CHECK (environment IN ('production', 'development')),
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);

-- `number` stands for the connector in the tables that have many rows.
-- `last_seq` is the newest position of its change feed; its row lock orders the writers.
CREATE TABLE connector (
    id uuid PRIMARY KEY,
    number integer GENERATED ALWAYS AS IDENTITY UNIQUE,
    organisation uuid NOT NULL REFERENCES organisation ON DELETE CASCADE,
    environment text NOT NULL CHECK (environment IN ('production', 'development')),
    integration text NOT NULL,
    category text NOT NULL,
    end_user text NOT NULL,
    origin_id text,
    base_url text,
    token_hash bytea NOT NULL UNIQUE,
    credentials bytea NOT NULL,
    status text NOT NULL DEFAULT 'COMPLETE' CHECK (status IN ('COMPLETE', 'INCOMPLETE', 'RELINK_NEEDED')),
    relink_needed_at timestamptz,
    last_seq bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX connector_by_organisation ON connector (organisation, environment);

-- One row a record. `seq` is its place in the connector's change feed and, read as microseconds since 1970, its
-- modified_at. `body` is the answer as it is sent; `keys` are its rows in record_key. A tombstone keeps its content.
-- No foreign key to connector: its check, once a row, would cost a tenth of the saving.
CREATE TABLE record (
    seq bigint NOT NULL,
    connector integer NOT NULL,
    model smallint NOT NULL,
    id uuid PRIMARY KEY,
    first_saved_at timestamptz NOT NULL,
    deleted_at timestamptz,
    remote_id text NOT NULL,
    stream text NOT NULL,
    fingerprint bytea NOT NULL,
    keys bigint[] NOT NULL,
    body bytea NOT NULL,
    raw bytea NOT NULL,
    custom bytea
);

ALTER TABLE record ALTER COLUMN body SET STORAGE MAIN;

CREATE UNIQUE INDEX record_feed ON record (connector, model, seq) WHERE deleted_at IS NULL;

-- One row for each value a record can be filtered by. `key` hashes connector, model, parameter and value, so a filtered
-- list is one walk along this index, in feed order, whatever page it is on.
CREATE TABLE record_key (
    key bigint NOT NULL,
    seq bigint NOT NULL
);

CREATE INDEX record_key_walk ON record_key (key, seq);

-- What was asked for single rows of a stream, and the version of the row it was asked for.
CREATE TABLE detail (
    connector integer NOT NULL REFERENCES connector (number) ON DELETE CASCADE,
    stream text NOT NULL,
    name text NOT NULL,
    row_id text NOT NULL,
    version text NOT NULL,
    raw bytea NOT NULL,
    PRIMARY KEY (connector, stream, name, row_id)
);

-- Rows that would not map, until they do.
CREATE TABLE quarantine (
    connector integer NOT NULL REFERENCES connector (number) ON DELETE CASCADE,
    stream text NOT NULL,
    row_id text NOT NULL,
    reason text NOT NULL,
    raw bytea NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (connector, stream, row_id)
);

CREATE TABLE sync_run (
    id uuid PRIMARY KEY,
    connector integer NOT NULL REFERENCES connector (number) ON DELETE CASCADE,
    number integer NOT NULL,
    status text NOT NULL CHECK (status IN ('running', 'done', 'partial', 'failed')),
    is_full boolean NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    UNIQUE (connector, number)
);

CREATE UNIQUE INDEX sync_run_unfinished ON sync_run (connector) WHERE status = 'running';

-- A stream's part in a run. `phase` and `position` say where to go on; each page's transaction moves them.
-- `window_start` null means the list is read whole; `is_tracking` that the records it meets are noted in seen.
CREATE TABLE stream_run (
    run uuid NOT NULL REFERENCES sync_run ON DELETE CASCADE,
    connector integer NOT NULL,
    stream text NOT NULL,
    window_start timestamptz,
    is_tracking boolean NOT NULL,
    phase text NOT NULL,
    position text,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    read bigint NOT NULL DEFAULT 0,
    added bigint NOT NULL DEFAULT 0,
    changed bigint NOT NULL DEFAULT 0,
    deleted bigint NOT NULL DEFAULT 0,
    quarantined bigint NOT NULL DEFAULT 0,
    error text,
    PRIMARY KEY (run, stream)
);

CREATE INDEX stream_run_latest ON stream_run (connector, stream, started_at);

-- The records a complete read has met so far; emptied when it ends.
CREATE TABLE seen (
    connector integer NOT NULL,
    stream text NOT NULL,
    id uuid NOT NULL
);

CREATE INDEX seen_by_stream ON seen (connector, stream, id);
