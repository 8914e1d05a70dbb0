-- Small things the desk must remember of itself.
CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE account (
    id TEXT PRIMARY KEY,
    login TEXT NOT NULL,
    login_key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    tenants TEXT NOT NULL,
    locale TEXT NOT NULL,
    preferences TEXT NOT NULL,
    password TEXT,
    totp BLOB,
    totp_confirmed_at BIGINT,
    totp_last_step BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT,
    last_sign_in_at BIGINT,
    revision BIGINT NOT NULL
);

-- One-time codes for who lost the telephone that shows the second factor.
CREATE TABLE recovery_code (
    account_id TEXT NOT NULL REFERENCES account (id),
    hash TEXT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (account_id, hash)
);

-- Links that work once: to make the first administrator, to set a password.
CREATE TABLE one_time_link (
    hash TEXT PRIMARY KEY,
    purpose TEXT NOT NULL,
    account_id TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);

CREATE TABLE oidc_identity (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES account (id),
    linked_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX oidc_identity_by_account ON oidc_identity (account_id);

-- Sign-ins on their way through somebody else's pages.
CREATE TABLE oidc_flow (
    hash TEXT PRIMARY KEY,
    nonce TEXT NOT NULL,
    verifier TEXT NOT NULL,
    return_to TEXT NOT NULL,
    account_id TEXT,
    expires_at BIGINT NOT NULL
);

CREATE TABLE session (
    hash TEXT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL REFERENCES account (id),
    method TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL
);
CREATE INDEX session_by_account ON session (account_id, created_at);

CREATE TABLE api_key (
    id TEXT PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES account (id),
    tenants TEXT NOT NULL,
    verbs TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    last_used_at BIGINT
);
CREATE INDEX api_key_by_account ON api_key (account_id, created_at);

-- Failed attempts, by account and by address.
CREATE TABLE throttle (
    name TEXT PRIMARY KEY,
    failures BIGINT NOT NULL,
    since BIGINT NOT NULL,
    locked_until BIGINT NOT NULL
);

-- Answers to requests that carried an idempotency key.
CREATE TABLE idempotency (
    actor_id TEXT NOT NULL,
    name TEXT NOT NULL,
    request_digest TEXT NOT NULL,
    status BIGINT,
    response BLOB,
    content_type TEXT,
    response_digest TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (actor_id, name)
);
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);
