-- Whoever keeps a promise is reminded of it until it is done.
ALTER TABLE follow_up ADD COLUMN reminded_at BIGINT;
