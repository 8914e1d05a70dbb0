-- function: fold

-- The audit: one chain of records per tenant, and one named 'provider'.
CREATE TABLE audit_head (
    chain TEXT PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL
);

CREATE TABLE audit (
    chain TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    action TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    campaign_id TEXT,
    text TEXT NOT NULL,
    details TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (chain, seq)
);
CREATE INDEX audit_at ON audit (at, chain, seq);
CREATE INDEX audit_action ON audit (action, at);
CREATE INDEX audit_campaign ON audit (campaign_id, at, chain, seq);
CREATE INDEX audit_subject ON audit (subject_kind, subject_id, at);
-- append-only: audit

-- What the heads were when the provider's root was published.
CREATE TABLE audit_root (
    seq BIGINT NOT NULL,
    chain TEXT NOT NULL,
    chain_seq BIGINT NOT NULL,
    chain_hash TEXT NOT NULL,
    PRIMARY KEY (seq, chain)
);
-- append-only: audit_root

CREATE TABLE tenant (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    contract TEXT NOT NULL,
    locale TEXT NOT NULL,
    agency TEXT,
    contacts TEXT NOT NULL,
    note TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    archived_at BIGINT,
    revision BIGINT NOT NULL
);
CREATE INDEX tenant_by_name ON tenant (name_key, id);

CREATE TABLE server (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    fqdn TEXT,
    addresses TEXT NOT NULL,
    product TEXT,
    note TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    archived_at BIGINT,
    revision BIGINT NOT NULL,
    UNIQUE (tenant_id, name_key)
);
CREATE INDEX server_by_name ON server (name_key, id);

CREATE TABLE campaign (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    pack TEXT NOT NULL,
    pack_version TEXT NOT NULL,
    stale_hours TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    closed_at BIGINT,
    revised_at BIGINT,
    revision BIGINT NOT NULL
);
CREATE INDEX campaign_by_opening ON campaign (opened_at, id);

CREATE TABLE campaign_tenant (
    campaign_id TEXT NOT NULL REFERENCES campaign (id),
    tenant_id TEXT NOT NULL REFERENCES tenant (id),
    joined_at BIGINT NOT NULL,
    deadline BIGINT,
    PRIMARY KEY (campaign_id, tenant_id)
);
CREATE INDEX campaign_tenant_by_tenant ON campaign_tenant (tenant_id, campaign_id);

-- Everything that was ever said about a cell.
CREATE TABLE statement (
    id TEXT PRIMARY KEY,
    campaign_id TEXT NOT NULL,
    server_id TEXT NOT NULL,
    tenant_id TEXT NOT NULL,
    stage TEXT NOT NULL,
    seq BIGINT NOT NULL,
    state TEXT NOT NULL,
    detail TEXT NOT NULL,
    basis TEXT NOT NULL,
    by_person BIGINT NOT NULL,
    as_of BIGINT NOT NULL,
    proof TEXT NOT NULL,
    said_by TEXT NOT NULL,
    said_at BIGINT NOT NULL,
    pack_version TEXT NOT NULL,
    UNIQUE (campaign_id, server_id, stage, seq)
);
-- append-only: statement

-- What follows from the statements, kept beside them in the same transaction.
CREATE TABLE cell (
    campaign_id TEXT NOT NULL,
    server_id TEXT NOT NULL,
    stage TEXT NOT NULL,
    tenant_id TEXT NOT NULL,
    state TEXT NOT NULL,
    detail TEXT NOT NULL,
    as_of BIGINT,
    stale_at BIGINT,
    proof TEXT NOT NULL,
    said_by TEXT NOT NULL,
    said_at BIGINT,
    statement_id TEXT,
    PRIMARY KEY (campaign_id, server_id, stage)
);
CREATE INDEX cell_by_tenant ON cell (campaign_id, tenant_id, server_id, stage, state, detail, stale_at);
-- For counts and filters: one stage of a campaign lies together, by what its cells say.
CREATE INDEX cell_by_word ON cell (campaign_id, stage, state, detail, stale_at, tenant_id, server_id);
CREATE INDEX cell_by_server ON cell (server_id);
CREATE INDEX cell_by_staleness ON cell (stale_at);

-- How many cells of a tenant came to say a word, and ceased to, by hour.
CREATE TABLE curve (
    campaign_id TEXT NOT NULL,
    hour BIGINT NOT NULL,
    stage TEXT NOT NULL,
    state TEXT NOT NULL,
    detail TEXT NOT NULL,
    tenant_id TEXT NOT NULL,
    delta BIGINT NOT NULL,
    PRIMARY KEY (campaign_id, hour, stage, state, detail, tenant_id)
);
