-- Runs as work that waits to be taken up: asked for, taken over, put off; schedules; issues.

-- `next_sync_at` is when the schedule asks for the next run, one that reads every list whole where the latest such run
-- is older than `full_every`. `mapped_by` is the version of the mapping that last tried the rows set aside.
ALTER TABLE connector
    ADD COLUMN sync_every interval NOT NULL DEFAULT '1 hour',
    ADD COLUMN full_every interval NOT NULL DEFAULT '1 day',
    ADD COLUMN next_sync_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN is_paused boolean NOT NULL DEFAULT false,
    ADD COLUMN mapped_by text;

CREATE INDEX connector_due ON connector (next_sync_at) WHERE NOT is_paused;

-- `attempt` counts who took the run up: a page is saved by the latest alone. `streams` are those to read, null all.
-- `waits_until` and `waits_for` say that the run was put off, until when and why; `failures` how often in a row.
ALTER TABLE sync_run
    DROP CONSTRAINT sync_run_status_check,
    ADD CHECK (status IN ('queued', 'running', 'done', 'partial', 'failed', 'cancelled')),
    ALTER COLUMN started_at DROP NOT NULL,
    ADD COLUMN asked_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN is_scheduled boolean NOT NULL DEFAULT false,
    ADD COLUMN streams text[],
    ADD COLUMN attempt integer NOT NULL DEFAULT 0,
    ADD COLUMN failures integer NOT NULL DEFAULT 0,
    ADD COLUMN waits_until timestamptz,
    ADD COLUMN waits_for text,
    ADD COLUMN error text;

UPDATE sync_run SET asked_at = started_at;

DROP INDEX sync_run_unfinished;
CREATE UNIQUE INDEX sync_run_unfinished ON sync_run (connector) WHERE status IN ('queued', 'running');

-- `expected` is how many rows the latest complete read of the list found; `requests` and `waited` (seconds) what it took.
ALTER TABLE stream_run
    ADD COLUMN expected bigint,
    ADD COLUMN requests bigint NOT NULL DEFAULT 0,
    ADD COLUMN waited double precision NOT NULL DEFAULT 0;

-- What somebody must know of or mend. `stream` is empty where it concerns the whole connector.
CREATE TABLE issue (
    id uuid PRIMARY KEY,
    connector integer NOT NULL REFERENCES connector (number) ON DELETE CASCADE,
    kind text NOT NULL,
    stream text NOT NULL DEFAULT '',
    message text NOT NULL,
    times integer NOT NULL DEFAULT 1,
    opened_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    resolved_at timestamptz
);

CREATE UNIQUE INDEX issue_open ON issue (connector, kind, stream) WHERE resolved_at IS NULL;
CREATE INDEX issue_latest ON issue (connector, opened_at DESC);

-- What reads of a stream that ended well have shown: when the first, the latest and the latest complete one were begun,
-- and how many rows that one found. The history of runs may be cut without losing it.
CREATE TABLE stream_state (
    connector integer NOT NULL REFERENCES connector (number) ON DELETE CASCADE,
    stream text NOT NULL,
    first_read_at timestamptz NOT NULL,
    last_read_at timestamptz NOT NULL,
    last_whole_at timestamptz,
    rows bigint,
    PRIMARY KEY (connector, stream)
);

INSERT INTO stream_state
SELECT stream_run.connector, stream, min(stream_run.started_at), max(stream_run.started_at),
    max(stream_run.started_at) FILTER (WHERE window_start IS NULL),
    (array_agg(read ORDER BY stream_run.started_at DESC) FILTER (WHERE window_start IS NULL))[1]
FROM stream_run JOIN connector ON connector.number = stream_run.connector
WHERE phase = 'done' AND error IS NULL GROUP BY stream_run.connector, stream;

CREATE INDEX sync_run_ended ON sync_run (finished_at);
CREATE INDEX issue_ended ON issue (resolved_at);
