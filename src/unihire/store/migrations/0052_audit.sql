-- What was changed by whom: a line for each administrative act.

-- Written in the transaction of the act. `environment` is null where the act is of a whole organisation. `key` is the
-- API key that did it, null for a command; `actor` its name, or `command`. `object` is the id of what was changed, a
-- `kind` of thing. `before` and `after` are JSON objects without secrets, null where there is nothing to say. No foreign
-- keys: a line outlives what it is about.
CREATE TABLE audit (
    id uuid PRIMARY KEY,
    organisation uuid NOT NULL,
    environment text,
    at timestamptz NOT NULL DEFAULT now(),
    key uuid,
    actor text NOT NULL,
    act text NOT NULL,
    kind text NOT NULL,
    object text NOT NULL,
    before bytea,
    after bytea
);

CREATE INDEX audit_latest ON audit (organisation, id);
CREATE INDEX audit_of_object ON audit (object, id);

-- As everywhere: docs/decisions/0019-one-look-one-index.md.
ALTER TABLE audit ALTER COLUMN organisation SET STATISTICS 0;
ALTER TABLE audit ALTER COLUMN before SET STATISTICS 0;
ALTER TABLE audit ALTER COLUMN after SET STATISTICS 0;
