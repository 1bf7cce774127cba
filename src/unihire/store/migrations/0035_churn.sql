-- Room and vacuum for what changes often: docs/decisions/0028-what-is-stored-for-how-long.md has the measurements.

-- Written again with each run, in columns of no index: with room on the page no index is written.
ALTER TABLE stream_state SET (fillfactor = 60);

-- Emptied again and again: as soon as there is something to clean, whatever the size was before.
ALTER TABLE seen SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
ALTER TABLE seen_page SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50);
ALTER TABLE stale SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
ALTER TABLE row_read SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Large ones, of which a fifth would be a lot of dead rows.
ALTER TABLE record SET (autovacuum_vacuum_scale_factor = 0.03, autovacuum_vacuum_insert_scale_factor = 0.1);
ALTER TABLE record_key SET (autovacuum_vacuum_scale_factor = 0.03, autovacuum_vacuum_insert_scale_factor = 0.1);
ALTER TABLE joined SET (autovacuum_vacuum_scale_factor = 0.03, autovacuum_vacuum_insert_scale_factor = 0.1);
