-- Views of lists: filters under a name, of one account, shared with the team or not.
CREATE TABLE saved_view (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES account (id),
    page TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    query TEXT NOT NULL,
    shared BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    UNIQUE (account_id, page, name_key)
);
CREATE INDEX saved_view_by_page ON saved_view (page, shared, name_key);
