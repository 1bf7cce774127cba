-- Credentials have a version: nothing that was begun with earlier ones is saved or used.

-- Raised each time the connector is given new ones.
ALTER TABLE connector ADD COLUMN credentials_version integer NOT NULL DEFAULT 1;

-- The version of the credentials that all of the row is of. `sealed` is null while nothing was bought with them.
-- `refused_since` and `refused_times` say that the vendor has refused them, and accepted nothing since.
ALTER TABLE connector_grant
    ALTER COLUMN sealed DROP NOT NULL,
    ADD COLUMN credentials_version integer NOT NULL DEFAULT 1,
    ADD COLUMN refused_since timestamptz,
    ADD COLUMN refused_times integer NOT NULL DEFAULT 0;
