-- What supervisors think of talks, by the firm's rubric: one of each talk and reviewer.
CREATE TABLE review (
    id              TEXT PRIMARY KEY,
    -- The talk: an interaction below its call.
    interaction_id  TEXT NOT NULL,
    agent_id        TEXT NOT NULL,
    -- Whose login wrote it.
    reviewer        TEXT NOT NULL,
    -- JSON: criteria with score, scale and weight as the rubric had them then.
    scores          TEXT NOT NULL,
    note            TEXT,
    -- draft, shared, accepted, disputed
    state           TEXT NOT NULL,
    -- What the agent said to it.
    answer          TEXT,
    version         BIGINT NOT NULL DEFAULT 1,
    made_at         BIGINT NOT NULL,
    shared_at       BIGINT,
    changed_at      BIGINT NOT NULL,
    UNIQUE (interaction_id, reviewer)
);
CREATE INDEX review_by_agent ON review (agent_id, made_at);
CREATE INDEX review_by_time ON review (made_at);
CREATE INDEX interaction_by_agent ON interaction (started_at) WHERE agent_id IS NOT NULL;
