-- The moments of vendors, by which lists are narrowed to ranges. Each is read where it is stored: in the answer, of models
-- that have it there, else in what is stored beside it; store/ranges.py has the same expressions. A deleted record has none.

CREATE INDEX CONCURRENTLY record_remote_created ON record (
    connector, model, (CASE WHEN deleted_at IS NULL THEN split_part(encode(substring(
        CASE WHEN model = ANY ('{1,4,8,9,12,13,14,17,18,19}'::smallint[]) THEN body ELSE more END
        FROM nullif(position('"remote_created_at":"'::bytea IN
            CASE WHEN model = ANY ('{1,4,8,9,12,13,14,17,18,19}'::smallint[]) THEN body ELSE more END
        ), 0) + 21 FOR 27), 'escape'), 'Z', 1) END COLLATE "C"), seq
) WHERE (CASE WHEN deleted_at IS NULL THEN split_part(encode(substring(
        CASE WHEN model = ANY ('{1,4,8,9,12,13,14,17,18,19}'::smallint[]) THEN body ELSE more END
        FROM nullif(position('"remote_created_at":"'::bytea IN
            CASE WHEN model = ANY ('{1,4,8,9,12,13,14,17,18,19}'::smallint[]) THEN body ELSE more END
        ), 0) + 21 FOR 27), 'escape'), 'Z', 1) END COLLATE "C") IS NOT NULL;

CREATE INDEX CONCURRENTLY record_remote_updated ON record (
    connector, model, (CASE WHEN deleted_at IS NULL THEN split_part(encode(substring(
        CASE WHEN model = ANY ('{4,8,13,17,18,19}'::smallint[]) THEN body ELSE more END
        FROM nullif(position('"remote_updated_at":"'::bytea IN
            CASE WHEN model = ANY ('{4,8,13,17,18,19}'::smallint[]) THEN body ELSE more END
        ), 0) + 21 FOR 27), 'escape'), 'Z', 1) END COLLATE "C"), seq
) WHERE (CASE WHEN deleted_at IS NULL THEN split_part(encode(substring(
        CASE WHEN model = ANY ('{4,8,13,17,18,19}'::smallint[]) THEN body ELSE more END
        FROM nullif(position('"remote_updated_at":"'::bytea IN
            CASE WHEN model = ANY ('{4,8,13,17,18,19}'::smallint[]) THEN body ELSE more END
        ), 0) + 21 FOR 27), 'escape'), 'Z', 1) END COLLATE "C") IS NOT NULL;
