-- Whom the firm calls: a customer to be called about a ticket by a policy. Rows are the scheduler's own.
CREATE TABLE campaign_case (
    ticket_id    TEXT NOT NULL,
    policy       TEXT NOT NULL,
    customer_id  TEXT NOT NULL,
    -- The closing or change it was drawn for first: another one is another round.
    round        BIGINT NOT NULL,
    since        BIGINT NOT NULL,
    next_at      BIGINT NOT NULL,
    next_why     TEXT NOT NULL,
    until_at     BIGINT NOT NULL,
    made         BIGINT NOT NULL,
    -- busy=2 no-answer=1
    outcomes     TEXT NOT NULL DEFAULT '',
    done_at      BIGINT,
    done_why     TEXT,
    PRIMARY KEY (ticket_id, policy)
);
CREATE INDEX campaign_case_open ON campaign_case (policy, next_at) WHERE done_at IS NULL;
CREATE INDEX campaign_case_done ON campaign_case (done_at) WHERE done_at IS NOT NULL;
CREATE INDEX campaign_case_by_customer ON campaign_case (customer_id);

-- One call by a policy; stored before anything rings.
CREATE TABLE campaign_attempt (
    -- The interaction's id as well.
    call_id      TEXT PRIMARY KEY,
    ticket_id    TEXT NOT NULL,
    policy       TEXT NOT NULL,
    round        BIGINT NOT NULL,
    number       BIGINT NOT NULL,
    customer_id  TEXT NOT NULL,
    trunk        TEXT NOT NULL,
    at           BIGINT NOT NULL,
    answered_at  BIGINT,
    ended_at     BIGINT,
    disposition  TEXT
);
CREATE INDEX campaign_attempt_open ON campaign_attempt (at) WHERE ended_at IS NULL;
CREATE INDEX campaign_attempt_by_time ON campaign_attempt (at);
CREATE INDEX campaign_attempt_by_case ON campaign_attempt (ticket_id, policy);

-- What is known of a policy beyond its file.
CREATE TABLE campaign_policy (
    policy         TEXT PRIMARY KEY,
    paused         BIGINT NOT NULL,
    attempts       BIGINT NOT NULL,
    answered_ppm   BIGINT NOT NULL,
    answered       BIGINT NOT NULL,
    escalated_ppm  BIGINT NOT NULL
);

-- How it was settled, in the firm's own word.
ALTER TABLE ticket ADD COLUMN outcome TEXT;
CREATE INDEX ticket_by_change ON ticket (changed_at);
CREATE INDEX event_by_ticket ON event (ticket_id, occurred_at) WHERE ticket_id IS NOT NULL;
