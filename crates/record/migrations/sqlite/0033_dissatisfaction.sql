-- Why a customer is not content, as the human found who dealt with it: beside what the customer answered in the same call.
CREATE TABLE dissatisfaction (
    -- The call or page in which they said that they are not.
    interaction_id  TEXT PRIMARY KEY,
    ticket_id       TEXT,
    customer_id     TEXT,
    reason          TEXT NOT NULL,
    note            TEXT,
    -- Whose login wrote it last.
    made_by         TEXT NOT NULL,
    at              BIGINT NOT NULL
);
CREATE INDEX dissatisfaction_by_customer ON dissatisfaction (customer_id);
