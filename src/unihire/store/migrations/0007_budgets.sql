-- What is known of the rate budgets that vendors give, for all processes that ask them.

-- Not worth a flush: what a crash of the server takes is learned again from the next answers. `version` counts changes,
-- so that a process that has read an older one does not save over a newer one.
CREATE UNLOGGED TABLE budget (
    connector integer PRIMARY KEY REFERENCES connector (number) ON DELETE CASCADE,
    version bigint NOT NULL,
    state bytea NOT NULL
) WITH (fillfactor = 50);
