-- Entries of no record that lives, and those that are there twice: nobody would find anything by them.
DELETE FROM record_key WHERE ctid = ANY(ARRAY(SELECT ctid FROM record_key WHERE connector IS NULL LIMIT 10000));
