CREATE TABLE tenant_key (
    tenant_id TEXT PRIMARY KEY REFERENCES tenant (id),
    wrapped BLOB NOT NULL,
    created_at BIGINT NOT NULL
);

-- Bytes at rest, once per tenant whatever their names.
CREATE TABLE blob (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenant (id),
    sha256 TEXT NOT NULL,
    size BIGINT NOT NULL,
    stored BIGINT NOT NULL,
    chunks BIGINT NOT NULL,
    data_key BLOB,
    created_at BIGINT NOT NULL,
    deleted_at BIGINT
);
CREATE UNIQUE INDEX blob_by_content ON blob (tenant_id, sha256) WHERE deleted_at IS NULL;

-- Bytes on their way in.
CREATE TABLE upload (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenant (id),
    server_id TEXT,
    campaign_id TEXT,
    name TEXT NOT NULL,
    note TEXT NOT NULL,
    acquired_at BIGINT,
    retention_days BIGINT,
    size BIGINT,
    sha256 TEXT,
    received BIGINT NOT NULL,
    stored BIGINT NOT NULL,
    chunks BIGINT NOT NULL,
    data_key BLOB NOT NULL,
    state TEXT NOT NULL,
    evidence_id TEXT,
    error TEXT,
    begun_by TEXT NOT NULL,
    begun_at BIGINT NOT NULL,
    touched_at BIGINT NOT NULL
);
CREATE INDEX upload_by_tenant ON upload (tenant_id, begun_at, id);
CREATE INDEX upload_by_state ON upload (state, touched_at);

CREATE TABLE evidence (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenant (id),
    server_id TEXT,
    campaign_id TEXT,
    name TEXT NOT NULL,
    note TEXT NOT NULL,
    blob_id TEXT NOT NULL REFERENCES blob (id),
    sha256 TEXT NOT NULL,
    size BIGINT NOT NULL,
    acquired_at BIGINT,
    received_at BIGINT NOT NULL,
    received_by TEXT NOT NULL,
    retention_until BIGINT,
    deleted_at BIGINT,
    revision BIGINT NOT NULL
);
CREATE INDEX evidence_by_tenant ON evidence (tenant_id, received_at, id);
CREATE INDEX evidence_by_receipt ON evidence (received_at, id);
CREATE INDEX evidence_by_server ON evidence (server_id, received_at, id);
CREATE INDEX evidence_by_blob ON evidence (blob_id);
CREATE INDEX evidence_by_retention ON evidence (retention_until);

-- What must not be deleted, for whatever reason somebody gave.
CREATE TABLE legal_hold (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenant (id),
    evidence_id TEXT,
    reason TEXT NOT NULL,
    set_by TEXT NOT NULL,
    set_at BIGINT NOT NULL,
    lifted_by TEXT,
    lifted_at BIGINT
);
CREATE INDEX legal_hold_by_tenant ON legal_hold (tenant_id, set_at, id);
