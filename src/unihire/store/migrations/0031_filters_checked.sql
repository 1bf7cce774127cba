ALTER TABLE record_key VALIDATE CONSTRAINT record_key_owned;
