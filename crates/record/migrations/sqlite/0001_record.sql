-- Times are microseconds since 1970, UTC. Flags are 0 and 1. Ids are 26 characters (model::id).
-- Only what SQLite and PostgreSQL both understand stands here, but for AUTOINCREMENT.

CREATE TABLE customer (
    id           TEXT PRIMARY KEY,
    merged_into  TEXT REFERENCES customer (id),
    name         TEXT,
    language     TEXT,
    tier         TEXT,
    do_not_call  BIGINT NOT NULL DEFAULT 0,
    created_at   BIGINT NOT NULL,
    changed_at   BIGINT NOT NULL
);

CREATE TABLE customer_tag (
    customer_id  TEXT NOT NULL REFERENCES customer (id),
    tag          TEXT NOT NULL,
    at           BIGINT NOT NULL,
    PRIMARY KEY (customer_id, tag)
);

CREATE TABLE identity (
    id          TEXT PRIMARY KEY,
    kind        TEXT NOT NULL,
    namespace   TEXT NOT NULL DEFAULT '',
    value       TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    UNIQUE (kind, namespace, value)
);

-- A link is never deleted: one made by mistake gets an end.
CREATE TABLE identity_link (
    identity_id  TEXT NOT NULL REFERENCES identity (id),
    customer_id  TEXT NOT NULL REFERENCES customer (id),
    level        TEXT NOT NULL,
    method       TEXT NOT NULL,
    valid_from   BIGINT NOT NULL,
    valid_to     BIGINT
);
CREATE INDEX identity_link_by_identity ON identity_link (identity_id);
CREATE INDEX identity_link_by_customer ON identity_link (customer_id);

CREATE TABLE ticket (
    id               TEXT PRIMARY KEY,
    external_ref     TEXT NOT NULL UNIQUE,
    customer_id      TEXT NOT NULL REFERENCES customer (id),
    phone            TEXT NOT NULL,
    code             TEXT NOT NULL UNIQUE,
    code_expires_at  BIGINT NOT NULL,
    state            TEXT NOT NULL,
    category         TEXT,
    language         TEXT NOT NULL,
    result           TEXT,
    result_language  TEXT,
    -- Counts the results the ticket has had: each is rendered and announced once.
    result_version   BIGINT NOT NULL DEFAULT 0,
    -- The last version whose speech is in the cache.
    spoken_version   BIGINT NOT NULL DEFAULT 0,
    notified_at      BIGINT,
    heard_at         BIGINT,
    changed_at       BIGINT NOT NULL,
    created_at       BIGINT NOT NULL
);
CREATE INDEX ticket_by_customer ON ticket (customer_id);

CREATE TABLE interaction (
    id            TEXT PRIMARY KEY,
    channel       TEXT NOT NULL,
    native_id     TEXT NOT NULL,
    root_id       TEXT NOT NULL,
    parent_id     TEXT,
    direction     TEXT NOT NULL,
    identity_id   TEXT REFERENCES identity (id),
    customer_id   TEXT REFERENCES customer (id),
    -- How the customer is known: caller-id (a hint) or verified.
    known_by      TEXT,
    ticket_id     TEXT REFERENCES ticket (id),
    dialled       TEXT NOT NULL DEFAULT '',
    trunk         TEXT NOT NULL DEFAULT '',
    plan          TEXT,
    plan_version  TEXT,
    language      TEXT,
    outcome       TEXT,
    reason        TEXT,
    note          TEXT,
    recording     TEXT,
    ending        TEXT,
    end_code      TEXT,
    started_at    BIGINT NOT NULL,
    ended_at      BIGINT,
    UNIQUE (channel, native_id)
);
CREATE INDEX interaction_by_customer ON interaction (customer_id, started_at);
CREATE INDEX interaction_open ON interaction (ended_at) WHERE ended_at IS NULL;

-- The journal: written in the transaction of the change it reports, never changed but by erasure.
CREATE TABLE event (
    seq              INTEGER PRIMARY KEY AUTOINCREMENT,
    source           TEXT NOT NULL,
    source_event_id  TEXT NOT NULL,
    type             TEXT NOT NULL,
    customer_id      TEXT,
    interaction_id   TEXT,
    ticket_id        TEXT,
    occurred_at      BIGINT NOT NULL,
    recorded_at      BIGINT NOT NULL,
    visibility       TEXT NOT NULL DEFAULT 'staff',
    body             TEXT NOT NULL,
    UNIQUE (source, source_event_id)
);
CREATE INDEX event_by_interaction ON event (interaction_id, seq);
CREATE INDEX event_by_customer ON event (customer_id, occurred_at);

CREATE TABLE verification (
    id              TEXT PRIMARY KEY,
    policy          TEXT NOT NULL,
    interaction_id  TEXT NOT NULL,
    -- The caller's number in E.164; empty if withheld.
    caller          TEXT NOT NULL,
    ticket_id       TEXT,
    verdict         TEXT NOT NULL,
    counts          BIGINT NOT NULL,
    wrong_factor    BIGINT NOT NULL,
    at              BIGINT NOT NULL
);
CREATE INDEX verification_by_caller ON verification (caller, at);
CREATE INDEX verification_by_ticket ON verification (ticket_id, at);
CREATE INDEX verification_by_interaction ON verification (interaction_id);
CREATE INDEX verification_by_time ON verification (at);

CREATE TABLE message (
    id               TEXT PRIMARY KEY,
    idempotency_key  TEXT NOT NULL UNIQUE,
    customer_id      TEXT NOT NULL REFERENCES customer (id),
    ticket_id        TEXT REFERENCES ticket (id),
    recipient        TEXT NOT NULL,
    text             TEXT NOT NULL,
    -- due, sending, sent, unknown, delivered, failed, cancelled
    state            TEXT NOT NULL,
    due_at           BIGINT NOT NULL,
    -- Asked for by its customer just now: it keeps no hours.
    urgent           BIGINT NOT NULL DEFAULT 0,
    attempts         BIGINT NOT NULL DEFAULT 0,
    provider_ref     TEXT,
    error            TEXT,
    created_at       BIGINT NOT NULL,
    changed_at       BIGINT NOT NULL
);
CREATE INDEX message_due ON message (state, due_at);
CREATE INDEX message_by_customer ON message (customer_id, created_at);
CREATE INDEX message_by_provider_ref ON message (provider_ref);

-- Work that goes on when nobody calls, made in the transaction of its cause.
CREATE TABLE job (
    id          TEXT PRIMARY KEY,
    kind        TEXT NOT NULL,
    key         TEXT NOT NULL,
    ticket_id   TEXT,
    -- due, done, failed
    state       TEXT NOT NULL,
    run_at      BIGINT NOT NULL,
    attempts    BIGINT NOT NULL DEFAULT 0,
    error       TEXT,
    changed_at  BIGINT NOT NULL,
    UNIQUE (kind, key)
);
CREATE INDEX job_due ON job (state, run_at);

CREATE TABLE follow_up (
    id              TEXT PRIMARY KEY,
    customer_id     TEXT,
    interaction_id  TEXT,
    ticket_id       TEXT,
    phone           TEXT,
    reason          TEXT NOT NULL,
    note            TEXT,
    state           TEXT NOT NULL,
    due_at          BIGINT NOT NULL,
    created_at      BIGINT NOT NULL
);
CREATE INDEX follow_up_by_customer ON follow_up (customer_id);
CREATE INDEX follow_up_by_state ON follow_up (state, due_at);

-- Rendered speech, so that any machine plays what any rendered.
CREATE TABLE audio (
    key         TEXT PRIMARY KEY,
    voice       TEXT NOT NULL,
    -- 16-bit little-endian samples, mono.
    samples     BLOB NOT NULL,
    rate_hz     BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    used_at     BIGINT NOT NULL
);
CREATE INDEX audio_by_use ON audio (used_at);

CREATE TABLE plan_version (
    version       TEXT NOT NULL,
    plan          TEXT NOT NULL,
    source        TEXT NOT NULL,
    published_at  BIGINT NOT NULL,
    PRIMARY KEY (plan, version)
);

CREATE TABLE access_log (
    id           TEXT PRIMARY KEY,
    who          TEXT NOT NULL,
    customer_id  TEXT NOT NULL,
    what         TEXT NOT NULL,
    at           BIGINT NOT NULL
);
CREATE INDEX access_log_by_customer ON access_log (customer_id, at);
