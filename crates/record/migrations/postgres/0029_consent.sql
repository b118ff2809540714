-- What customers agreed to or refused. Rows are added and never changed: the newest of a kind is how it stands.
CREATE TABLE consent (
    id              TEXT PRIMARY KEY,
    customer_id     TEXT NOT NULL REFERENCES customer (id),
    -- recording, surveys, marketing, data-sharing, or a word of the firm's in kebab case.
    kind            TEXT NOT NULL,
    -- 1: given. 0: withdrawn or refused.
    given           BIGINT NOT NULL,
    channel         TEXT NOT NULL,
    -- The contact and the entry of the journal that prove it.
    interaction_id  TEXT,
    event_seq       BIGINT,
    -- What was shown or announced, and in which version.
    words           TEXT,
    words_version   TEXT,
    noted_by        TEXT NOT NULL,
    at              BIGINT NOT NULL
);
CREATE INDEX consent_by_customer ON consent (customer_id, at, id);
