-- What customers were given back: electronic cards, vouchers, small amounts.
CREATE TABLE rebate (
    id            TEXT PRIMARY KEY,
    external_ref  TEXT NOT NULL UNIQUE,
    customer_id   TEXT NOT NULL REFERENCES customer (id),
    -- The number on file; empty once its customer was erased.
    phone         TEXT NOT NULL,
    activity      TEXT NOT NULL,
    -- e-recharge-card, e-voucher, small-fee-rebate
    type          TEXT NOT NULL,
    -- Of one of them, in hundredths of the currency's unit.
    face_value    BIGINT NOT NULL,
    currency      TEXT NOT NULL,
    quantity      BIGINT NOT NULL,
    -- unused, used, expired, revoked
    state         TEXT NOT NULL,
    returned_at   BIGINT NOT NULL,
    used_at       BIGINT,
    expires_at    BIGINT,
    -- The text message that carried it.
    text          TEXT,
    -- How often it was sent again.
    resends       BIGINT NOT NULL DEFAULT 0,
    changed_at    BIGINT NOT NULL,
    created_at    BIGINT NOT NULL
);
CREATE INDEX rebate_by_customer ON rebate (customer_id, returned_at, id);
CREATE INDEX rebate_by_phone ON rebate (phone, returned_at);
CREATE INDEX rebate_by_time ON rebate (returned_at);

-- The rebate that a message carries again.
ALTER TABLE message ADD COLUMN rebate_id TEXT;
CREATE INDEX message_by_rebate ON message (rebate_id, created_at) WHERE rebate_id IS NOT NULL;
