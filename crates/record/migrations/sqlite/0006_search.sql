-- Words of names, tickets, notes and numbers: Chinese as overlapping pairs of characters, others
-- whole, numbers from their end.
CREATE TABLE search_word (
    ref_id       TEXT NOT NULL,
    word         TEXT NOT NULL,
    -- customer, ticket, note
    kind         TEXT NOT NULL,
    customer_id  TEXT NOT NULL,
    at           BIGINT NOT NULL,
    PRIMARY KEY (ref_id, word)
);
CREATE INDEX search_word_by_word ON search_word (word, at);
CREATE INDEX search_word_by_customer ON search_word (customer_id, word);

-- 0: its words are not there yet.
ALTER TABLE customer ADD COLUMN indexed BIGINT NOT NULL DEFAULT 0;
CREATE INDEX customer_not_indexed ON customer (id) WHERE indexed = 0;
ALTER TABLE ticket ADD COLUMN indexed BIGINT NOT NULL DEFAULT 0;
CREATE INDEX ticket_not_indexed ON ticket (id) WHERE indexed = 0;
