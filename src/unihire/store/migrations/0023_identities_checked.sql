ALTER TABLE stream_run VALIDATE CONSTRAINT stream_run_run_fkey;
