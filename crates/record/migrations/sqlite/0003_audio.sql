-- How large a piece of rendered speech is, so that the oldest can be let go of without reading any;
-- and which words it says, whoever speaks them: what a customer was told can be taken out.
ALTER TABLE audio ADD COLUMN size BIGINT NOT NULL DEFAULT 0;
ALTER TABLE audio ADD COLUMN text_key TEXT NOT NULL DEFAULT '';
UPDATE audio SET size = LENGTH(samples);
CREATE INDEX audio_by_text ON audio (text_key);
