-- The index made beside becomes the primary key; that no entry is without a connector is known, so nothing is read.

ALTER TABLE record_key ALTER COLUMN connector SET NOT NULL;
ALTER TABLE record_key DROP CONSTRAINT record_key_owned;
ALTER TABLE record_key ADD CONSTRAINT record_key_pkey PRIMARY KEY USING INDEX record_key_identity;
DROP TABLE key_owning;

-- Programs of before look entries up without the connector. From PostgreSQL 18 on the key serves them: it is looked into
-- once for each connector. Before that it would be read whole.
DO $$
BEGIN
    IF current_setting('server_version_num')::int >= 180000 THEN
        DROP INDEX record_key_walk;
    ELSE
        ALTER INDEX record_key_walk RENAME TO record_key_of_before;
    END IF;
END
$$;
