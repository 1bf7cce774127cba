-- Webhooks: where events of an environment are sent to, what signs them, how far each connector's were delivered.

-- `events`, `models` (their numbers) and `connectors` say which events; null: all. `version` counts changes of these.
-- `is_trusted`: the operator gave the address at the terminal. `is_open`: its lanes are. `off_reason` says why the
-- service switched it off; null while it is enabled, and where the caller paused it; `off_connector` has the issue of
-- that. What follows is how deliveries went: since when and how often in a row they failed, and until when nothing is
-- sent for that.
CREATE TABLE endpoint (
    id uuid PRIMARY KEY,
    organisation uuid NOT NULL REFERENCES organisation ON DELETE CASCADE,
    environment text NOT NULL CHECK (environment IN ('production', 'development')),
    url text NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    format text NOT NULL,
    events text[],
    models smallint[],
    connectors uuid[],
    includes_records boolean NOT NULL,
    is_trusted boolean NOT NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    is_open boolean NOT NULL DEFAULT false,
    is_enabled boolean NOT NULL DEFAULT true,
    off_reason text,
    off_at timestamptz,
    off_connector integer,
    last_sent_at timestamptz,
    failing_since timestamptz,
    failures integer NOT NULL DEFAULT 0,
    held_until timestamptz
) WITH (fillfactor = 80);

CREATE INDEX endpoint_by_organisation ON endpoint (organisation, environment, created_at, id);

-- What signs, sealed. `ends_at` is null for the one that is not replaced.
CREATE TABLE endpoint_secret (
    endpoint uuid NOT NULL REFERENCES endpoint ON DELETE CASCADE,
    id uuid NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    ends_at timestamptz,
    PRIMARY KEY (endpoint, id)
);

-- Whether the connector has lanes, which who saves for it wakes.
ALTER TABLE feed ADD COLUMN has_lanes boolean NOT NULL DEFAULT false;

-- How far an endpoint was sent what happened to a connector: up to a `position` in its feed, and so many of its notices.
-- `due_at` is null while there is nothing to send; while a deliverer is at it, as `claim` says, it is when others may
-- take it up. `tries` counts those of the message that is next, which has failed since `failing_since`. A lane of a
-- `replay` ends at `until_position` and `until_notice`; others have the id of zeros. No foreign key to connector: the
-- lane outlives it until its end was delivered.
CREATE TABLE lane (
    connector integer NOT NULL,
    endpoint uuid NOT NULL REFERENCES endpoint ON DELETE CASCADE,
    replay uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    connector_id uuid NOT NULL,
    position bigint NOT NULL,
    notice bigint NOT NULL,
    until_position bigint,
    until_notice bigint,
    due_at timestamptz,
    claim uuid,
    tries smallint NOT NULL DEFAULT 0,
    failing_since timestamptz,
    PRIMARY KEY (connector, endpoint, replay)
) WITH (fillfactor = 70);

CREATE INDEX lane_due ON lane (endpoint, due_at);

-- What happened to a connector besides its records: numbered in the order in which it was committed. It comes after the
-- changes up to `after_seq`. Written only where there are lanes. No foreign key to connector, as above.
CREATE TABLE notice (
    connector integer NOT NULL,
    number bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    kind text NOT NULL,
    after_seq bigint NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (connector, number)
);

CREATE INDEX notice_old ON notice (at);

-- What was sent, a row each try; ids are in the order of time. `position` and `notice` are where its lane was before,
-- `until_position` and `until_notice` after the message. Request and answer are cut, and hold no secrets.
CREATE TABLE delivery (
    connector integer NOT NULL,
    id uuid NOT NULL,
    endpoint uuid NOT NULL,
    organisation uuid NOT NULL,
    environment text NOT NULL,
    connector_id uuid NOT NULL,
    message text NOT NULL,
    event text NOT NULL,
    url text NOT NULL,
    position bigint NOT NULL,
    notice bigint NOT NULL,
    until_position bigint NOT NULL,
    until_notice bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    seconds real NOT NULL,
    status smallint,
    error text,
    request bytea NOT NULL,
    answer bytea NOT NULL,
    PRIMARY KEY (connector, id)
);

CREATE INDEX delivery_latest ON delivery (organisation, environment, id);
CREATE INDEX delivery_failed ON delivery (organisation, environment, id) WHERE status IS NULL OR status >= 400;
CREATE INDEX delivery_by_endpoint ON delivery (endpoint, id);

-- Messages that an endpoint would not take, passed over so that later ones arrive. As in `delivery`.
CREATE TABLE undelivered (
    connector integer NOT NULL,
    endpoint uuid NOT NULL REFERENCES endpoint ON DELETE CASCADE,
    message text NOT NULL,
    connector_id uuid NOT NULL,
    event text NOT NULL,
    position bigint NOT NULL,
    notice bigint NOT NULL,
    until_position bigint NOT NULL,
    until_notice bigint NOT NULL,
    since timestamptz NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    status smallint,
    reason text NOT NULL,
    PRIMARY KEY (connector, endpoint, message)
);

CREATE INDEX undelivered_by_endpoint ON undelivered (endpoint, at);

-- As everywhere: docs/decisions/0019-one-look-one-index.md.
ALTER TABLE endpoint ALTER COLUMN organisation SET STATISTICS 0;
ALTER TABLE lane ALTER COLUMN connector SET STATISTICS 0;
ALTER TABLE lane ALTER COLUMN endpoint SET STATISTICS 0;
ALTER TABLE notice ALTER COLUMN connector SET STATISTICS 0;
ALTER TABLE delivery ALTER COLUMN connector SET STATISTICS 0;
ALTER TABLE delivery ALTER COLUMN endpoint SET STATISTICS 0;
ALTER TABLE delivery ALTER COLUMN organisation SET STATISTICS 0;
ALTER TABLE delivery ALTER COLUMN request SET STATISTICS 0;
ALTER TABLE delivery ALTER COLUMN answer SET STATISTICS 0;
ALTER TABLE undelivered ALTER COLUMN connector SET STATISTICS 0;
ALTER TABLE undelivered ALTER COLUMN endpoint SET STATISTICS 0;
