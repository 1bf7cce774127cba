-- What API keys may do, and when they were last used.

-- Keys that there are may do everything, as do those that a program of before makes while others run already.
ALTER TABLE api_key ADD COLUMN scopes text[] NOT NULL DEFAULT '{read,write,manage,operations}'
    CHECK (cardinality(scopes) > 0 AND scopes <@ '{read,write,manage,operations}'::text[]);

-- The names of the models that a key is limited to; null: all.
ALTER TABLE api_key ADD COLUMN models text[];

-- To a minute.
ALTER TABLE api_key ADD COLUMN last_used_at timestamptz;
