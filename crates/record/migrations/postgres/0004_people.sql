-- Who works here. `user` is a word of PostgreSQL's own and is always written in quotes.
CREATE TABLE "user" (
    id             TEXT PRIMARY KEY,
    -- In lower case.
    login          TEXT NOT NULL UNIQUE,
    name           TEXT NOT NULL,
    -- A PHC string of Argon2id; none: signs in by the firm's own service only.
    password_hash  TEXT,
    -- agent, supervisor, designer, operator, with spaces between.
    roles          TEXT NOT NULL,
    languages      TEXT NOT NULL DEFAULT '',
    -- Who the firm's own sign-in service says it is.
    issuer         TEXT,
    subject        TEXT,
    disabled_at    BIGINT,
    signed_in_at   BIGINT,
    created_at     BIGINT NOT NULL,
    changed_at     BIGINT NOT NULL,
    UNIQUE (issuer, subject)
);

-- Tries to sign in, by what was typed: whether somebody has that login makes no difference.
CREATE TABLE sign_in_try (
    login         TEXT PRIMARY KEY,
    failed        BIGINT NOT NULL,
    since         BIGINT NOT NULL,
    locks         BIGINT NOT NULL DEFAULT 0,
    locked_until  BIGINT NOT NULL DEFAULT 0,
    last_at       BIGINT NOT NULL
);
CREATE INDEX sign_in_try_by_time ON sign_in_try (last_at);

CREATE TABLE session (
    -- SHA-256 of what the cookie holds.
    token_hash  TEXT PRIMARY KEY,
    user_id     TEXT NOT NULL REFERENCES "user" (id),
    csrf        TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX session_by_user ON session (user_id);
CREATE INDEX session_by_expiry ON session (expires_at);

-- Where each agent is.
CREATE TABLE agent (
    user_id     TEXT PRIMARY KEY REFERENCES "user" (id),
    -- signed-out, available, break, offered, talking, wrap-up
    state       TEXT NOT NULL,
    reason      TEXT,
    since       BIGINT NOT NULL,
    -- Since when nobody was served: the longest idle is asked first.
    idle_since  BIGINT NOT NULL,
    skills      TEXT NOT NULL DEFAULT '',
    extension   TEXT
);
