-- A talk with an agent is an interaction of its own below its call: channel `talk`. It names no customer; the call does.
ALTER TABLE interaction ADD COLUMN agent_id TEXT;
CREATE INDEX interaction_by_parent ON interaction (parent_id) WHERE parent_id IS NOT NULL;
