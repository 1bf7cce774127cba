-- Operations: what was written under which idempotency key, and where the pages of numbered listings begin.

-- A call under an idempotency key. `steps` holds, by name, when a write was first sent and the row it made; `answer` the
-- output, once there is one. `claimed_until` is how long the process that works on it may take.
CREATE TABLE operation_call (
    connector integer NOT NULL REFERENCES connector (number) ON DELETE CASCADE,
    key text NOT NULL,
    operation text NOT NULL,
    input_hash bytea NOT NULL,
    steps bytea NOT NULL DEFAULT '{}',
    answer bytea,
    begun_at timestamptz NOT NULL,
    claimed_until timestamptz,
    PRIMARY KEY (connector, key)
);

-- Where page `page` of a listing begins: the vendor's own cursor. `listing` is a hash of list, filters and page size.
CREATE TABLE page_mark (
    connector integer NOT NULL REFERENCES connector (number) ON DELETE CASCADE,
    listing bytea NOT NULL,
    page integer NOT NULL,
    position text NOT NULL,
    noted_at timestamptz NOT NULL,
    PRIMARY KEY (connector, listing, page)
);
