-- Whether the operator gave a connector's base_url at the terminal: then it may lead into private networks
-- (docs/decisions/0034-addresses-are-hostile.md). Those of earlier versions, beside which this may run, all were.
ALTER TABLE connector ADD COLUMN is_base_url_trusted boolean NOT NULL DEFAULT true;
