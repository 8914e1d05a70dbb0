-- What a hunt said, whole.
CREATE TABLE hunt (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenant (id),
    campaign_id TEXT NOT NULL REFERENCES campaign (id),
    pack TEXT NOT NULL,
    pack_version TEXT NOT NULL,
    evidence TEXT NOT NULL,
    basis TEXT NOT NULL,
    manifest_sha256 TEXT NOT NULL,
    stats TEXT NOT NULL,
    warnings TEXT NOT NULL,
    skipped TEXT NOT NULL,
    changes TEXT NOT NULL,
    finished_at BIGINT NOT NULL
);
CREATE INDEX hunt_by_tenant ON hunt (tenant_id, finished_at, id);
CREATE INDEX hunt_by_campaign ON hunt (campaign_id, finished_at, id);

-- What it said of one server.
CREATE TABLE hunt_server (
    hunt_id TEXT NOT NULL REFERENCES hunt (id),
    server_id TEXT NOT NULL REFERENCES server (id),
    tenant_id TEXT NOT NULL,
    host TEXT NOT NULL,
    verdict TEXT NOT NULL,
    looked_at TEXT NOT NULL,
    reasons TEXT NOT NULL,
    coverage TEXT NOT NULL,
    storylines TEXT NOT NULL,
    events TEXT NOT NULL,
    suppressed BIGINT NOT NULL,
    PRIMARY KEY (hunt_id, server_id)
);
CREATE INDEX hunt_server_by_server ON hunt_server (server_id, hunt_id);

CREATE TABLE finding (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenant (id),
    server_id TEXT NOT NULL REFERENCES server (id),
    campaign_id TEXT NOT NULL,
    hunt_id TEXT NOT NULL,
    basis TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    rule_id TEXT NOT NULL,
    title TEXT NOT NULL,
    statement_en TEXT NOT NULL,
    statement_fr TEXT NOT NULL,
    severity TEXT NOT NULL,
    rank BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    stage TEXT NOT NULL,
    pack TEXT,
    storyline TEXT,
    attack TEXT NOT NULL,
    count BIGINT NOT NULL,
    first_at BIGINT,
    last_at BIGINT,
    state TEXT NOT NULL,
    decided_by TEXT,
    decided_at BIGINT,
    reason TEXT NOT NULL,
    dismissal_id TEXT,
    found_at BIGINT NOT NULL,
    gone_at BIGINT,
    revision BIGINT NOT NULL,
    UNIQUE (campaign_id, server_id, basis, fingerprint)
);
-- The queue: what nobody decided, worst first, oldest first.
CREATE INDEX finding_queue ON finding (state, rank DESC, found_at, id, tenant_id, gone_at);
CREATE INDEX finding_by_rank ON finding (rank DESC, found_at, id, tenant_id, gone_at);
CREATE INDEX finding_by_tenant ON finding (tenant_id, state, rank DESC, found_at, id);
CREATE INDEX finding_by_campaign ON finding (campaign_id, state, rank DESC, found_at, id);
CREATE INDEX finding_by_server ON finding (server_id, rank DESC, found_at, id);
CREATE INDEX finding_by_rule ON finding (rule_id, state, rank DESC, found_at, id);

CREATE TABLE finding_line (
    finding_id TEXT NOT NULL REFERENCES finding (id),
    n BIGINT NOT NULL,
    path TEXT NOT NULL,
    record BIGINT,
    line BIGINT,
    at BIGINT,
    excerpt TEXT NOT NULL,
    fields TEXT NOT NULL,
    PRIMARY KEY (finding_id, n)
);

-- The benign catalogue.
CREATE TABLE dismissal (
    id TEXT PRIMARY KEY,
    scope TEXT NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenant (id),
    server_id TEXT,
    server_name TEXT,
    rule_id TEXT NOT NULL,
    rule_title TEXT NOT NULL,
    fields TEXT NOT NULL,
    reason TEXT NOT NULL,
    author TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    revoked_by TEXT
);
CREATE INDEX dismissal_by_tenant ON dismissal (tenant_id, created_at, id);
CREATE INDEX dismissal_in_force ON dismissal (scope, expires_at);
