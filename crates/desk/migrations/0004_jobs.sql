-- Work that outlives the request that asked for it.
CREATE TABLE job (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    tenant_id TEXT REFERENCES tenant (id),
    campaign_id TEXT,
    payload TEXT NOT NULL,
    dedupe TEXT,
    state TEXT NOT NULL,
    priority BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    most_attempts BIGINT NOT NULL,
    run_after BIGINT NOT NULL,
    lease_until BIGINT,
    worker TEXT,
    cancelling BIGINT NOT NULL,
    progress TEXT NOT NULL,
    result TEXT,
    error TEXT,
    asked_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT
);
-- One of a kind waits or runs at a time.
CREATE UNIQUE INDEX job_dedupe ON job (dedupe) WHERE state IN ('queued', 'running');
CREATE INDEX job_to_do ON job (priority DESC, created_at, id) WHERE state IN ('queued', 'running');
CREATE INDEX job_by_creation ON job (created_at, id);
CREATE INDEX job_by_tenant ON job (tenant_id, created_at, id);

-- What happened to a job, for whoever watches it.
CREATE TABLE job_event (
    job_id TEXT NOT NULL REFERENCES job (id),
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (job_id, seq)
);
