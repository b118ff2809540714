-- Files that customers and agents put on the record: the photo of a bill. The file lies in the folder of attachments of
-- the server that took it, under a name of ours.
CREATE TABLE attachment (
    id              TEXT PRIMARY KEY,
    customer_id     TEXT NOT NULL REFERENCES customer (id),
    interaction_id  TEXT,
    ticket_id       TEXT,
    -- The link that it came by; NULL: an agent put it there.
    link_id         TEXT,
    -- What the sender calls it.
    name            TEXT NOT NULL,
    -- By what it holds, not by its name.
    media_type      TEXT NOT NULL,
    bytes           BIGINT NOT NULL,
    sha256          TEXT NOT NULL,
    file            TEXT NOT NULL,
    server          TEXT NOT NULL,
    made_by         TEXT NOT NULL,
    at              BIGINT NOT NULL
);
CREATE INDEX attachment_by_customer ON attachment (customer_id, at, id);
CREATE INDEX attachment_by_link ON attachment (link_id) WHERE link_id IS NOT NULL;
CREATE INDEX attachment_by_time ON attachment (at);

-- Links by which customers send files. Of the token only its hash is kept.
CREATE TABLE upload_link (
    id           TEXT PRIMARY KEY,
    token_hash   TEXT NOT NULL UNIQUE,
    customer_id  TEXT NOT NULL REFERENCES customer (id),
    ticket_id    TEXT,
    message_id   TEXT NOT NULL,
    language     TEXT NOT NULL,
    made_by      TEXT NOT NULL,
    made_at      BIGINT NOT NULL,
    valid_until  BIGINT NOT NULL
);
CREATE INDEX upload_link_by_customer ON upload_link (customer_id, made_at);
