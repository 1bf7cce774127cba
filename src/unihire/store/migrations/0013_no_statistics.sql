-- What leaves the planner no choice between indexes that begin with connector: docs/decisions/0019-one-look-one-index.md.

-- Each of these two can be used by those statements alone that ask for its last column, and by its expression.
DROP INDEX record_newest;
DROP INDEX joined_by_key;

-- No statistics of connectors, and none of those that were gathered: where they list the connectors there are, one that
-- they do not list is taken to have a single row, and any index that begins with connector for as good as another.
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT table_name AS name, EXISTS (
            SELECT FROM pg_stats WHERE schemaname = table_schema AND tablename = table_name AND attname = column_name
        ) AS is_known
        FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
        WHERE table_schema = current_schema() AND column_name = 'connector' AND table_type = 'BASE TABLE'
        ORDER BY table_name
    LOOP
        IF one.is_known AND current_setting('server_version_num')::int >= 180000 THEN
            PERFORM pg_clear_attribute_stats(current_schema()::text, one.name::text, 'connector', false);
        ELSIF one.is_known THEN
            -- An older server forgets what it knew of a column when its type is set, be it to what it was. The table
            -- stays; its indexes with conditions are built anew.
            EXECUTE format('ALTER TABLE %I ALTER COLUMN connector TYPE integer', one.name);
        END IF;
        EXECUTE format('ALTER TABLE %I ALTER COLUMN connector SET STATISTICS 0', one.name);
    END LOOP;
END
$$;

CREATE INDEX record_newest ON record ((connector::bigint << 16 | model), length(remote_id), remote_id)
    WHERE deleted_at IS NULL AND (connector::bigint << 16 | model) IS NOT NULL;
ALTER INDEX record_newest ALTER COLUMN 1 SET STATISTICS 0;

CREATE INDEX joined_by_key ON joined (connector, stream, name, key) WHERE key IS NOT NULL;
