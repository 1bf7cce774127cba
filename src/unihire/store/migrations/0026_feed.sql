-- A connector's place in its change feed, in a table of its own, whose row is what those who save wait for.

CREATE TABLE feed (
    connector integer PRIMARY KEY REFERENCES connector (number) ON DELETE CASCADE,
    last_seq bigint NOT NULL DEFAULT 0,
    reserved_seq bigint NOT NULL DEFAULT 0,
    rows_read_seq bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- As everywhere: docs/decisions/0019-one-look-one-index.md.
ALTER TABLE feed ALTER COLUMN connector SET STATISTICS 0;

-- Programs of before move the connector's row: the feed moves with it, and waits for who saves. Where a newer program
-- has saved behind the place they reached, readers would miss what they save: it is refused, and saved the next time.
CREATE FUNCTION move_feed_of_before() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feed (connector) VALUES (NEW.number) ON CONFLICT (connector) DO NOTHING;
    UPDATE feed SET last_seq = NEW.last_seq, reserved_seq = greatest(reserved_seq, NEW.reserved_seq),
        rows_read_seq = greatest(rows_read_seq, NEW.rows_read_seq)
    WHERE connector = NEW.number AND last_seq <= NEW.last_seq;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a newer program has saved for connector % behind this place: start this one anew', NEW.number;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER move_feed_of_before AFTER UPDATE OF last_seq, reserved_seq, rows_read_seq ON connector
    FOR EACH ROW EXECUTE FUNCTION move_feed_of_before();

-- Nobody moves a feed between the two: the trigger's maker waits for whoever has.
INSERT INTO feed SELECT number, last_seq, reserved_seq, rows_read_seq FROM connector;
