-- Rows that records of another stream show, and what a record remembers of its vendor.

-- The vendor's own word behind each normalised field, as a JSON object; null where nothing is normalised.
ALTER TABLE record ADD COLUMN words bytea;

-- Rows of the stream `origin` that joins keep. `stream` and `name` say whose join, `key` what it finds them by. A row
-- that is kept whole has its own stream there. `id` is what a complete read notes it as in seen.
CREATE TABLE joined (
    connector integer NOT NULL,
    origin text NOT NULL,
    row_id text NOT NULL,
    stream text NOT NULL,
    name text NOT NULL,
    key text NOT NULL,
    id uuid NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (connector, origin, row_id, stream, name)
);

CREATE INDEX joined_by_key ON joined (connector, stream, name, key);

-- Keys of joins whose rows changed: the records that show them are to be made again. Of a key that many records show,
-- those up to `after` in the feed are done, and those after `until` were made when it had changed already.
CREATE TABLE stale (
    connector integer NOT NULL,
    stream text NOT NULL,
    name text NOT NULL,
    key text NOT NULL,
    after bigint NOT NULL DEFAULT 0,
    until bigint,
    PRIMARY KEY (connector, stream, name, key)
);
