-- Records as vendors list them, newest id first: pages by number, and walks that go on behind an id.
CREATE INDEX record_newest ON record (connector, model, length(remote_id), remote_id) WHERE deleted_at IS NULL;
