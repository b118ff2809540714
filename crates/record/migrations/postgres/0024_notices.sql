-- Customers are reached by messages too: the channel of a case's next attempt, and of an attempt.
ALTER TABLE campaign_case ADD COLUMN channel TEXT NOT NULL DEFAULT 'call';
ALTER TABLE campaign_attempt ADD COLUMN channel TEXT NOT NULL DEFAULT 'call';

-- The attempt that a message is, and the moment from which on it is not handed over any more.
ALTER TABLE message ADD COLUMN attempt_id TEXT;
ALTER TABLE message ADD COLUMN until_at BIGINT;
CREATE UNIQUE INDEX message_by_attempt ON message (attempt_id) WHERE attempt_id IS NOT NULL;

-- When its customer was given another date, if that was after its last change by the firm's own system.
ALTER TABLE ticket ADD COLUMN moved_at BIGINT;
CREATE INDEX ticket_by_move ON ticket (moved_at) WHERE moved_at IS NOT NULL;
