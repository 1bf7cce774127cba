-- What a grant allows, and keys and tokens that end.

-- The OAuth scopes that the vendor granted with the connector's credentials; null where it did not say which.
ALTER TABLE connector ADD COLUMN scopes text[];

-- Connector tokens that were replaced, each good until it ends.
CREATE TABLE replaced_token (
    hash bytea PRIMARY KEY,
    connector integer NOT NULL REFERENCES connector (number) ON DELETE CASCADE,
    ends_at timestamptz NOT NULL
);

CREATE INDEX replaced_token_of ON replaced_token (connector);

-- As everywhere: docs/decisions/0019-one-look-one-index.md.
ALTER TABLE replaced_token ALTER COLUMN connector SET STATISTICS 0;

-- When an API key stops being good by itself; null: never.
ALTER TABLE api_key ADD COLUMN ends_at timestamptz;
