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

-- What an entry of the benign catalogue hid in a hunt; counts, and whose hunt it was.
CREATE TABLE dismissal_use (
    dismissal_id TEXT NOT NULL REFERENCES dismissal (id),
    hunt_id TEXT NOT NULL REFERENCES hunt (id),
    tenant_id TEXT NOT NULL REFERENCES tenant (id),
    events BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (dismissal_id, hunt_id)
);
CREATE INDEX dismissal_use_by_tenant ON dismissal_use (dismissal_id, tenant_id);
-- append-only: dismissal_use
