-- A place kept for a call back: the states `call-back` and `calling`, then `resumed`, `not-reached` or `left`.
-- The number stands here as long as it is to be called.
ALTER TABLE waiting ADD COLUMN call_back_to TEXT;
ALTER TABLE waiting ADD COLUMN call_back_tries BIGINT;
ALTER TABLE waiting ADD COLUMN call_back_at BIGINT;
