-- Which server a call runs on, and which one holds a job or a message that is being worked on:
-- several servers may share one record. Empty: the only one there is.
ALTER TABLE interaction ADD COLUMN server TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN server TEXT NOT NULL DEFAULT '';
-- 1: taken by that server, until run_at.
ALTER TABLE job ADD COLUMN held BIGINT NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN server TEXT NOT NULL DEFAULT '';
