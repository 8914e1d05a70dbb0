-- What somebody or something reported about a server.
CREATE TABLE observation (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenant (id),
    server_id TEXT NOT NULL REFERENCES server (id),
    kind TEXT NOT NULL,
    fact TEXT NOT NULL,
    at BIGINT,
    reader TEXT NOT NULL,
    file TEXT NOT NULL,
    place TEXT,
    digest TEXT NOT NULL,
    said_by TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    UNIQUE (server_id, digest)
);
CREATE INDEX observation_by_server ON observation (server_id, received_at, id);
-- append-only: observation
