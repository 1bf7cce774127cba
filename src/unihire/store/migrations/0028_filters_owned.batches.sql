-- Say of some entries whose they are, by the records they are of. Those of records that are saved meanwhile say it
-- already. Of an entry that is there twice one says it: the next version takes the other.
WITH page AS MATERIALIZED (
    SELECT connector, model, seq, keys FROM record
    WHERE deleted_at IS NULL AND (connector, model, seq) > (
        (SELECT connector FROM key_owning), (SELECT model FROM key_owning), (SELECT seq FROM key_owning)
    )
    ORDER BY connector, model, seq LIMIT 1000
), entries AS MATERIALIZED (
    SELECT found.ctid AS place, page.connector,
        row_number() OVER (PARTITION BY page.connector, wanted.key, page.seq ORDER BY found.ctid) AS nth
    FROM page CROSS JOIN LATERAL (SELECT DISTINCT key FROM unnest(page.keys) AS key) AS wanted CROSS JOIN LATERAL (
        SELECT k.ctid FROM record_key AS k
        WHERE k.key = wanted.key AND k.seq = page.seq AND k.connector IS NULL OFFSET 0
    ) AS found
), owned AS (
    UPDATE record_key SET connector = entries.connector FROM entries
    WHERE record_key.ctid = entries.place AND nth = 1 AND record_key.connector IS NULL
)
UPDATE key_owning SET (connector, model, seq) = (
    SELECT page.connector, page.model, page.seq FROM page
    ORDER BY page.connector DESC, page.model DESC, page.seq DESC LIMIT 1
) WHERE EXISTS (SELECT FROM page);
