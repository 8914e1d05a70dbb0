-- What was dismissed holds for what is stored already, and no longer when its entry ends.

-- What judging a finding anew takes; empty for what was found before.
ALTER TABLE finding ADD COLUMN confidence TEXT NOT NULL DEFAULT '';
ALTER TABLE finding ADD COLUMN sources TEXT NOT NULL DEFAULT '[]';
-- The entry of the benign catalogue that covers all its events.
ALTER TABLE finding ADD COLUMN covered_by TEXT;
CREATE INDEX finding_to_judge ON finding (rule_id, tenant_id, server_id, id);

-- Whether finding nothing would have said something.
ALTER TABLE hunt_server ADD COLUMN sees_all BIGINT NOT NULL DEFAULT 0;

-- What entries hid from a hunt: counted beside each entry, and when one of them ends, that hunt does not say any more
-- what it said.
CREATE TABLE hunt_hidden (
    dismissal_id TEXT NOT NULL REFERENCES dismissal (id),
    hunt_id TEXT NOT NULL REFERENCES hunt (id),
    server_id TEXT NOT NULL REFERENCES server (id),
    tenant_id TEXT NOT NULL REFERENCES tenant (id),
    events BIGINT NOT NULL,
    PRIMARY KEY (dismissal_id, hunt_id, server_id)
);
CREATE INDEX hunt_hidden_by_hunt ON hunt_hidden (hunt_id, server_id);

-- How far what is stored was judged by an entry: empty, 'made', 'ended'.
ALTER TABLE dismissal ADD COLUMN judged TEXT NOT NULL DEFAULT '';
CREATE INDEX dismissal_to_judge ON dismissal (expires_at) WHERE judged <> 'ended';
CREATE INDEX dismissal_by_rule ON dismissal (rule_id, expires_at);

-- How far a job came, for whoever takes it up.
ALTER TABLE job ADD COLUMN checkpoint TEXT NOT NULL DEFAULT '';
