-- What those who serve customers have to know: rules, how something is done, activities with their dates.
CREATE TABLE article (
    id            TEXT PRIMARY KEY,
    -- Its number in the firm's own system, if it has one.
    external_ref  TEXT UNIQUE,
    -- Each a JSON object: a text by language.
    title         TEXT NOT NULL,
    body          TEXT NOT NULL,
    -- JSON arrays: categories of tickets that it fits, and tags.
    categories    TEXT NOT NULL,
    tags          TEXT NOT NULL,
    valid_from    BIGINT,
    valid_to      BIGINT,
    -- draft, published, withdrawn
    state         TEXT NOT NULL,
    version       BIGINT NOT NULL,
    changed_by    TEXT NOT NULL,
    changed_at    BIGINT NOT NULL,
    created_at    BIGINT NOT NULL
);
CREATE INDEX article_by_time ON article (changed_at, id);

-- Categories and tags in lower case: what a customer's matter is looked up by.
CREATE TABLE article_topic (
    article_id  TEXT NOT NULL REFERENCES article (id),
    topic       TEXT NOT NULL,
    PRIMARY KEY (article_id, topic)
);
CREATE INDEX article_topic_by_topic ON article_topic (topic);

-- Words of titles, texts, categories and tags, as in search_word.
CREATE TABLE article_word (
    article_id  TEXT NOT NULL REFERENCES article (id),
    -- By bytes, so that all words that begin alike lie together.
    word        TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (article_id, word)
);
CREATE INDEX article_word_by_word ON article_word (word);
