-- Links: how an organisation's page for its customers looks, the tokens that open it, and how far each customer is.

-- `origins` are those that may frame the page and are sent its messages. One row an environment that has said anything.
CREATE TABLE link_setting (
    organisation uuid NOT NULL REFERENCES organisation ON DELETE CASCADE,
    environment text NOT NULL CHECK (environment IN ('production', 'development')),
    name text,
    colour text,
    language text,
    origins text[] NOT NULL DEFAULT '{}',
    logo bytea,
    logo_type text,
    PRIMARY KEY (organisation, environment)
);

-- Of an integration: the address that new links are asked at, which the operator gave, and the operator's own sealed
-- credentials as the vendor's partner. Null: the vendor's address; no consent is offered.
CREATE TABLE link_integration (
    id uuid NOT NULL UNIQUE,
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    organisation uuid NOT NULL REFERENCES organisation ON DELETE CASCADE,
    environment text NOT NULL CHECK (environment IN ('production', 'development')),
    integration text NOT NULL,
    base_url text,
    partner bytea,
    PRIMARY KEY (organisation, environment, integration)
);

-- One customer's way from a link token to a connector. `connector_id` is the id that the connector has, or will have, and
-- `connector_number` its number: both are drawn here, so that what is listed before is listed after under the same.
-- `pending` is what the vendor has accepted and nobody has confirmed, sealed; `version` counts what the page must show.
-- `consent_hash` is the hash of the OAuth state of the latest consent asked for, `verifier` its PKCE verifier: both are
-- of no use without the partner's secret. `attempts` counts calls of the vendor since `attempts_since`.
CREATE TABLE link_session (
    id uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    organisation uuid NOT NULL REFERENCES organisation ON DELETE CASCADE,
    environment text NOT NULL CHECK (environment IN ('production', 'development')),
    category text NOT NULL,
    integration text,
    is_preset boolean NOT NULL,
    is_relink boolean NOT NULL,
    connector_id uuid NOT NULL,
    connector_number integer UNIQUE,
    end_user text NOT NULL,
    origin_id text,
    email text,
    created_at timestamptz NOT NULL DEFAULT now(),
    ends_at timestamptz NOT NULL,
    version integer NOT NULL DEFAULT 1,
    pending bytea,
    pending_at timestamptz,
    missing jsonb,
    refusal text,
    consent_hash bytea UNIQUE,
    consent_scopes text[],
    consent_ends_at timestamptz,
    verifier text,
    attempts integer NOT NULL DEFAULT 0,
    attempts_since timestamptz,
    done_at timestamptz,
    first_token_hash bytea,
    exchanged_at timestamptz
) WITH (fillfactor = 80);

CREATE INDEX link_session_listed ON link_session (organisation, environment, connector_number)
    WHERE done_at IS NULL AND NOT is_relink AND connector_number IS NOT NULL;
CREATE INDEX link_session_old ON link_session (ends_at);

-- What opens the page of a session: the token that was made with it, and those that customers handed on.
CREATE TABLE link_token (
    hash bytea PRIMARY KEY,
    session uuid NOT NULL REFERENCES link_session ON DELETE CASCADE,
    is_handed boolean NOT NULL DEFAULT false
);

CREATE INDEX link_token_by_session ON link_token (session);

-- What a page gave whom it was framed by, to be exchanged for the connector's token once in a session.
CREATE TABLE link_exchange (
    hash bytea PRIMARY KEY,
    session uuid NOT NULL REFERENCES link_session ON DELETE CASCADE,
    ends_at timestamptz NOT NULL
);

CREATE INDEX link_exchange_by_session ON link_exchange (session);
