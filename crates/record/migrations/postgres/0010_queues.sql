-- Callers who wait for an agent, and where it led. Rows are the queues' own: one server holds them.
CREATE TABLE waiting (
    id              TEXT PRIMARY KEY,
    interaction_id  TEXT NOT NULL,
    queue           TEXT NOT NULL,
    priority        BIGINT NOT NULL,
    skills          TEXT NOT NULL DEFAULT '',
    last_agent      TEXT,
    joined_at       BIGINT NOT NULL,
    -- waiting, offered, talking, kept; served, left, nobody, closed, failed, resumed, expired
    state           TEXT NOT NULL,
    since           BIGINT NOT NULL,
    agent_id        TEXT,
    customer_id     TEXT,
    identity_id     TEXT,
    kept_until      BIGINT
);
CREATE INDEX waiting_by_state ON waiting (state, joined_at);
CREATE INDEX waiting_by_interaction ON waiting (interaction_id);
CREATE INDEX waiting_by_customer ON waiting (customer_id, joined_at);

CREATE TABLE offer (
    id          TEXT PRIMARY KEY,
    waiting_id  TEXT NOT NULL,
    agent_id    TEXT NOT NULL,
    at          BIGINT NOT NULL,
    -- answered, timed-out, declined, busy, failed, withdrawn, lost; none while it rings
    outcome     TEXT,
    ended_at    BIGINT
);
CREATE INDEX offer_by_waiting ON offer (waiting_id);
CREATE INDEX offer_by_agent ON offer (agent_id, at);
CREATE INDEX offer_open ON offer (outcome) WHERE outcome IS NULL;

-- How long calls of a queue take: what a wait is estimated from.
CREATE TABLE handling (
    queue       TEXT PRIMARY KEY,
    average_ms  BIGINT NOT NULL,
    calls       BIGINT NOT NULL
);

ALTER TABLE agent ADD COLUMN missed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE agent ADD COLUMN until BIGINT;
ALTER TABLE agent ADD COLUMN offer_id TEXT;
ALTER TABLE agent ADD COLUMN waiting_id TEXT;
-- What they do after this call: break or signed-out, and why.
ALTER TABLE agent ADD COLUMN after_state TEXT;
ALTER TABLE agent ADD COLUMN after_reason TEXT;

-- What a telephone of an agent proves itself by (RFC 7616: the hash of name, realm and password).
CREATE TABLE telephone (
    user_id  TEXT PRIMARY KEY REFERENCES "user" (id),
    realm    TEXT NOT NULL,
    md5      TEXT NOT NULL,
    sha256   TEXT NOT NULL
);
