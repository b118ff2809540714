-- What an agent wrote down about a call they served: one reason a call and agent.
CREATE TABLE wrap_up (
    interaction_id  TEXT NOT NULL,
    made_by         TEXT NOT NULL,
    -- A word of the queue's.
    reason          TEXT NOT NULL,
    note            TEXT,
    at              BIGINT NOT NULL,
    PRIMARY KEY (interaction_id, made_by)
);

-- How a day goes is read by time.
CREATE INDEX waiting_by_time ON waiting (joined_at);
CREATE INDEX offer_by_time ON offer (at);
