-- Customers in full: links, merges, notes, erasure, and the time line's indexes.
ALTER TABLE customer ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE customer ADD COLUMN external_ref TEXT;
ALTER TABLE customer ADD COLUMN erased_at BIGINT;
CREATE INDEX customer_by_merge ON customer (merged_into) WHERE merged_into IS NOT NULL;
CREATE UNIQUE INDEX customer_by_ref ON customer (external_ref);

CREATE TABLE customer_attribute (
    customer_id  TEXT NOT NULL REFERENCES customer (id),
    name         TEXT NOT NULL,
    value        TEXT NOT NULL,
    at           BIGINT NOT NULL,
    PRIMARY KEY (customer_id, name)
);

-- Who made a link, and who ended it.
ALTER TABLE identity_link ADD COLUMN linked_by TEXT;
ALTER TABLE identity_link ADD COLUMN ended_by TEXT;

-- A merge moves nothing: `customer.merged_into` is where the rows that are not undone lead.
CREATE TABLE customer_merge (
    id         TEXT PRIMARY KEY,
    from_id    TEXT NOT NULL REFERENCES customer (id),
    into_id    TEXT NOT NULL REFERENCES customer (id),
    reason     TEXT,
    made_by    TEXT NOT NULL,
    at         BIGINT NOT NULL,
    undone_by  TEXT,
    undone_at  BIGINT
);
CREATE INDEX customer_merge_by_from ON customer_merge (from_id);
CREATE INDEX customer_merge_by_into ON customer_merge (into_id);

CREATE TABLE note (
    id              TEXT PRIMARY KEY,
    customer_id     TEXT NOT NULL REFERENCES customer (id),
    interaction_id  TEXT,
    ticket_id       TEXT,
    text            TEXT NOT NULL,
    made_by         TEXT NOT NULL,
    at              BIGINT NOT NULL
);
CREATE INDEX note_by_customer ON note (customer_id, at, id);

-- 1: what identifies its customer is gone, and is not stored where it comes later.
ALTER TABLE interaction ADD COLUMN erased BIGINT NOT NULL DEFAULT 0;
CREATE INDEX interaction_erased_open ON interaction (id) WHERE erased = 1 AND ended_at IS NULL;

-- A page of the time line reads what it shows and no more.
DROP INDEX interaction_by_customer;
CREATE INDEX interaction_by_customer ON interaction (customer_id, started_at, id);
CREATE INDEX interaction_by_ticket ON interaction (ticket_id, started_at) WHERE ticket_id IS NOT NULL;
CREATE INDEX interaction_by_identity ON interaction (identity_id, started_at);
DROP INDEX ticket_by_customer;
CREATE INDEX ticket_by_customer ON ticket (customer_id, created_at, id);
DROP INDEX follow_up_by_customer;
CREATE INDEX follow_up_by_customer ON follow_up (customer_id, created_at, id);
DROP INDEX message_by_customer;
CREATE INDEX message_by_customer ON message (customer_id, created_at, id);

-- Tickets and follow-ups that agents work on.
ALTER TABLE ticket ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE ticket ADD COLUMN due_at BIGINT;
ALTER TABLE ticket ADD COLUMN owner TEXT;
ALTER TABLE ticket ADD COLUMN made_by TEXT;
ALTER TABLE follow_up ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE follow_up ADD COLUMN owner TEXT;
ALTER TABLE follow_up ADD COLUMN taken_at BIGINT;
ALTER TABLE follow_up ADD COLUMN done_at BIGINT;
ALTER TABLE follow_up ADD COLUMN outcome TEXT;
