-- Requests with a key of their own hold a lease while they are being done.
ALTER TABLE idempotency ADD COLUMN holder TEXT NOT NULL DEFAULT '';
ALTER TABLE idempotency ADD COLUMN lease_until BIGINT NOT NULL DEFAULT 0;

-- That one changed something is written down together with what it changes; or that it was given up, before it could. Whichever
-- is there first holds.
CREATE TABLE idempotency_act (
    holder TEXT PRIMARY KEY,
    acted BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX idempotency_act_by_expiry ON idempotency_act (expires_at);

-- Of those that began before and have no answer, nobody knows.
UPDATE idempotency SET holder = actor_id || ' ' || name WHERE status IS NULL;
INSERT INTO idempotency_act (holder, acted, expires_at) SELECT holder, 1, expires_at FROM idempotency WHERE status IS NULL;

-- What somebody came in with at the identity provider, sealed: it is shown there when they sign out.
ALTER TABLE session ADD COLUMN id_token BLOB;
ALTER TABLE oidc_flow ADD COLUMN id_token BLOB;

-- That an entry of another tenant covers a finding is known by the entry; the sentence is made where it is read.
UPDATE finding SET reason = '' WHERE covered_by IS NOT NULL
    AND reason = 'known to be harmless, catalogue entry ' || covered_by;
