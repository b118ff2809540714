-- When the firm's own system changed a customer last: what it hands over late is not taken.
ALTER TABLE customer ADD COLUMN told_at BIGINT;

-- Who is on the way to the firm's sign-in service and back: each comes back once.
CREATE TABLE sign_in_begun (
    -- SHA-256 of what the browser and the service hand back.
    state_hash  TEXT PRIMARY KEY,
    nonce       TEXT NOT NULL,
    -- RFC 7636.
    verifier    TEXT NOT NULL,
    -- Where on the page they were.
    back        TEXT NOT NULL,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX sign_in_begun_by_expiry ON sign_in_begun (expires_at);
