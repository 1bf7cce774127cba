-- Connector and model as one expression, which only the lists that need this index name: with two columns it looked to a
-- planner without statistics, during a first read, as good for looking records up by connector, model and seq.
DROP INDEX record_newest;
CREATE INDEX record_newest ON record ((connector::bigint << 16 | model), length(remote_id), remote_id)
    WHERE deleted_at IS NULL;
