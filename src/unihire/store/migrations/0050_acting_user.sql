-- The vendor's id of the user in whose name the connector writes where a call names nobody; null: its credential's.
ALTER TABLE connector ADD COLUMN acting_user text;
