CREATE TABLE alert (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenant (id),
    server_id TEXT,
    source TEXT NOT NULL,
    external_id TEXT NOT NULL,
    title TEXT NOT NULL,
    severity TEXT NOT NULL,
    rank BIGINT NOT NULL,
    details TEXT NOT NULL,
    at BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    decided_by TEXT,
    decided_at BIGINT,
    reason TEXT NOT NULL,
    revision BIGINT NOT NULL,
    UNIQUE (tenant_id, source, external_id)
);
CREATE INDEX alert_queue ON alert (state, rank DESC, received_at, id);
CREATE INDEX alert_by_tenant ON alert (tenant_id, state, rank DESC, received_at, id);

CREATE TABLE work_case (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenant (id),
    campaign_id TEXT,
    number BIGINT NOT NULL,
    title TEXT NOT NULL,
    severity TEXT NOT NULL,
    rank BIGINT NOT NULL,
    state TEXT NOT NULL,
    resolution TEXT NOT NULL,
    shared BIGINT NOT NULL,
    assigned_to TEXT,
    due_at BIGINT,
    opened_by TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    waiting_since BIGINT NOT NULL,
    taken_at BIGINT,
    closed_at BIGINT,
    revision BIGINT NOT NULL,
    UNIQUE (tenant_id, number)
);
CREATE INDEX work_case_by_state ON work_case (state, opened_at, id);
CREATE INDEX work_case_by_opening ON work_case (opened_at, id);
CREATE INDEX work_case_by_taking ON work_case (taken_at);

CREATE TABLE case_server (
    case_id TEXT NOT NULL REFERENCES work_case (id),
    server_id TEXT NOT NULL REFERENCES server (id),
    PRIMARY KEY (case_id, server_id)
);
CREATE INDEX case_server_by_server ON case_server (server_id);

-- Findings, alerts and evidence of cases: many to many.
CREATE TABLE case_link (
    case_id TEXT NOT NULL REFERENCES work_case (id),
    kind TEXT NOT NULL,
    ref_id TEXT NOT NULL,
    linked_by TEXT NOT NULL,
    linked_at BIGINT NOT NULL,
    PRIMARY KEY (case_id, kind, ref_id)
);
CREATE INDEX case_link_by_ref ON case_link (kind, ref_id);

-- Tasks, notes, entities and moments of cases: each kind has its own JSON.
CREATE TABLE case_item (
    id TEXT PRIMARY KEY,
    case_id TEXT NOT NULL REFERENCES work_case (id),
    tenant_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    at BIGINT,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    removed_at BIGINT,
    revision BIGINT NOT NULL
);
CREATE INDEX case_item_by_case ON case_item (case_id, created_at, id);
