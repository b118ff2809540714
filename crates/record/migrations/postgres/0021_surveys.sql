-- What customers answered when they were asked: kept once they have heard the next thing.
CREATE TABLE survey_answer (
    call_id       TEXT NOT NULL,
    -- The question's name, which stays when its words change.
    question      TEXT NOT NULL,
    answer        TEXT NOT NULL,
    plan          TEXT NOT NULL,
    plan_version  TEXT NOT NULL,
    -- The policy by which they were called; empty if they called.
    policy        TEXT NOT NULL DEFAULT '',
    ticket_id     TEXT,
    customer_id   TEXT,
    at            BIGINT NOT NULL,
    PRIMARY KEY (call_id, question)
);
CREATE INDEX survey_answer_by_time ON survey_answer (at);
CREATE INDEX survey_answer_by_customer ON survey_answer (customer_id, at) WHERE customer_id IS NOT NULL;

-- What callers said into a recording of their own: a comment, a message.
CREATE TABLE caller_words (
    call_id  TEXT NOT NULL,
    -- What the plan calls it.
    name     TEXT NOT NULL,
    -- The file; NULL once it was deleted.
    recording TEXT,
    seconds  BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    PRIMARY KEY (call_id, name)
);

-- What one server does for all of them, for as long as it says so.
CREATE TABLE lease (
    name      TEXT PRIMARY KEY,
    holder    TEXT NOT NULL,
    until_at  BIGINT NOT NULL
);
