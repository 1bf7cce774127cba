-- What connectors hold of their vendors: tokens, sealed.

-- Whether the customer let a partner's application in, instead of making credentials.
ALTER TABLE connector ADD COLUMN is_partner boolean NOT NULL DEFAULT false;

-- The latest token of a connector, with the refresh token that buys the next where there is one.
CREATE TABLE connector_grant (
    connector integer PRIMARY KEY REFERENCES connector (number) ON DELETE CASCADE,
    sealed bytea NOT NULL,
    saved_at timestamptz NOT NULL DEFAULT now()
);
