-- Rows that map but for some part of theirs are served without it, and noted in the quarantine beside those that became nothing.

-- `left_out` says where in the row those parts are; `hides` are the models of which the row may have parts that became no
-- records. `noted_at` is when the row was met last: what a complete read does not meet again is no longer there.
ALTER TABLE quarantine
    ADD COLUMN is_served boolean NOT NULL DEFAULT false,
    ADD COLUMN left_out text[] NOT NULL DEFAULT '{}',
    ADD COLUMN hides smallint[] NOT NULL DEFAULT '{}',
    ADD COLUMN noted_at timestamptz NOT NULL DEFAULT now();

-- `incomplete` counts rows as `quarantined` does, those served without some part.
ALTER TABLE stream_run ADD COLUMN incomplete bigint NOT NULL DEFAULT 0;
