-- Connectors that ask a vendor with the same credentials share its rate budget.

-- A hash of the vendor's address and the credentials that are no secrets, by organisation; null where the budget is the
-- connector's own: a partner's, whose grants differ, and those connected before.
ALTER TABLE connector ADD COLUMN account bytea;

CREATE INDEX connector_by_account ON connector (account) WHERE account IS NOT NULL;
