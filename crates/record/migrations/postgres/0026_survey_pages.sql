-- The same survey in writing: a page that the link of a policy's message leads to. The attempt's id is its interaction's.
CREATE TABLE survey_page (
    attempt_id    TEXT PRIMARY KEY,
    -- The token itself stands in the link alone.
    token_hash    TEXT NOT NULL UNIQUE,
    customer_id   TEXT NOT NULL,
    ticket_id     TEXT NOT NULL,
    policy        TEXT NOT NULL,
    plan          TEXT NOT NULL,
    plan_version  TEXT NOT NULL,
    language      TEXT NOT NULL,
    -- What the plan is told of the ticket, as JSON.
    given         TEXT NOT NULL,
    -- The answers that were given, as JSON: what is asked next follows from them.
    turns         TEXT NOT NULL DEFAULT '[]',
    created_at    BIGINT NOT NULL,
    valid_until   BIGINT NOT NULL,
    -- The first answer, not the first look: previews of messengers look too.
    opened_at     BIGINT,
    done_at       BIGINT,
    version       BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX survey_page_by_customer ON survey_page (customer_id, created_at);
CREATE INDEX survey_page_by_end ON survey_page (valid_until);

-- What customers wrote instead of saying it.
ALTER TABLE caller_words ADD COLUMN text TEXT;
