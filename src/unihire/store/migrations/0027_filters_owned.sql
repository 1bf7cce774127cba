-- Whose each entry of the filter index is: docs/decisions/0024-keys-that-distribute.md. The versions behind this one say
-- it of the entries that are there, beside who reads and writes.

ALTER TABLE record_key ADD COLUMN connector integer;
ALTER TABLE record_key ALTER COLUMN connector SET STATISTICS 0;

-- Programs of before do not say whose an entry is: it is the connector's whose row their transaction has locked.
CREATE FUNCTION own_key_of_before() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    me CONSTANT xid := pg_current_xact_id()::xid;
    found CONSTANT text := current_setting('unihire.saves_for', true);
    one record;
BEGIN
    IF split_part(found, ' ', 1) = me::text THEN
        NEW.connector := split_part(found, ' ', 2)::integer;
        RETURN NEW;
    END IF;
    FOR one IN SELECT number, xmin, xmax FROM connector LOOP
        IF one.xmin = me OR one.xmax = me THEN
            NEW.connector := one.number;
        ELSIF one.xmax <> '0'::xid THEN
            BEGIN  -- others may hold a lock on the row that agrees with ours
                IF EXISTS (SELECT FROM pg_get_multixact_members(one.xmax) AS member WHERE member.xid = me) THEN
                    NEW.connector := one.number;
                END IF;
            EXCEPTION WHEN OTHERS THEN
                NULL;  -- a lock of one that has ended, and no number of several
            END;
        END IF;
        EXIT WHEN NEW.connector IS NOT NULL;
    END LOOP;
    IF NEW.connector IS NULL THEN
        RAISE not_null_violation USING MESSAGE = 'an entry of the filter index says whose it is';
    END IF;
    PERFORM set_config('unihire.saves_for', me::text || ' ' || NEW.connector, true);
    RETURN NEW;
END
$$;

CREATE TRIGGER own_key_of_before BEFORE INSERT ON record_key
    FOR EACH ROW WHEN (NEW.connector IS NULL) EXECUTE FUNCTION own_key_of_before();

ALTER TABLE record_key ADD CONSTRAINT record_key_owned CHECK (connector IS NOT NULL) NOT VALID;

-- How far the next version is: behind which record it goes on.
CREATE TABLE key_owning (connector integer NOT NULL, model smallint NOT NULL, seq bigint NOT NULL);
INSERT INTO key_owning VALUES (0, 0, 0);
