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

-- Recordings of erased customers that still lie on some disk, and all others by age.
CREATE INDEX interaction_erased_recorded ON interaction (recording) WHERE erased = 1 AND recording IS NOT NULL;
CREATE INDEX interaction_recorded ON interaction (started_at) WHERE recording IS NOT NULL;

-- Whom the journal is told to, and how far each was told.
CREATE TABLE webhook (
    name          TEXT PRIMARY KEY,
    -- Everything up to this entry is among the deliveries.
    seq           BIGINT NOT NULL,
    -- It answered that it wants no more.
    disabled_at   BIGINT,
    delivered_at  BIGINT
);

-- What is to be told: the words are made of the journal's entry when they are sent.
CREATE TABLE webhook_delivery (
    id          TEXT PRIMARY KEY,
    webhook     TEXT NOT NULL,
    seq         BIGINT NOT NULL,
    type        TEXT NOT NULL,
    -- due, delivered, dead
    state       TEXT NOT NULL,
    run_at      BIGINT NOT NULL,
    attempts    BIGINT NOT NULL DEFAULT 0,
    status      BIGINT,
    error       TEXT,
    created_at  BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL,
    UNIQUE (webhook, seq)
);
CREATE INDEX webhook_delivery_due ON webhook_delivery (webhook, run_at) WHERE state = 'due';
CREATE INDEX webhook_delivery_by_state ON webhook_delivery (webhook, state, changed_at);

-- When something that is done once in a while was done last.
CREATE TABLE mark (
    name  TEXT PRIMARY KEY,
    at    BIGINT NOT NULL
);
CREATE INDEX access_log_by_time ON access_log (at);
