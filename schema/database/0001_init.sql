-- One text for SQLite and PostgreSQL: TEXT and BIGINT only. Times are milliseconds since the epoch.
-- IF NOT EXISTS: the version without migrations may have been stopped before it had created everything.

-- Everything we receive, raw, committed before it is acknowledged. Append-only.
CREATE TABLE IF NOT EXISTS inbox (
    id TEXT NOT NULL PRIMARY KEY,         -- uuid v7: sorts by arrival
    kind TEXT NOT NULL,                   -- webhook, report, request, egress, room, participant, finding, object
    dedupe TEXT NOT NULL UNIQUE,          -- the same webhook twice is one row
    call_id TEXT,                         -- known at arrival for observations, else when processed
    signed_by TEXT,                       -- the API key that signed a webhook
    room_name TEXT,                       -- while it waits for a call of that name
    encoding TEXT NOT NULL,               -- text, or base64 for what is no text
    body TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,               -- when intake looks at it (again)
    processed_at BIGINT,
    error TEXT                            -- why it could not be used; it is kept all the same
);
CREATE INDEX IF NOT EXISTS inbox_unread ON inbox (id, due_at) WHERE processed_at IS NULL;
CREATE INDEX IF NOT EXISTS inbox_waiting ON inbox (room_name) WHERE processed_at IS NULL;
CREATE INDEX IF NOT EXISTS inbox_by_call ON inbox (call_id) WHERE call_id IS NOT NULL;

-- One LiveKit room session; `state` is the fold of its inbox rows.
CREATE TABLE IF NOT EXISTS calls (
    id TEXT NOT NULL PRIMARY KEY,
    room_name TEXT NOT NULL,
    status TEXT NOT NULL,
    revision BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    changed_at BIGINT NOT NULL,
    complete_at BIGINT,                   -- when it was found ended and delivered everywhere; the largest number: purged
    state TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS calls_by_name ON calls (room_name, started_at);
CREATE INDEX IF NOT EXISTS calls_by_start ON calls (started_at, id);
CREATE INDEX IF NOT EXISTS calls_by_status ON calls (status, started_at);
CREATE INDEX IF NOT EXISTS calls_by_completion ON calls (complete_at);

CREATE TABLE IF NOT EXISTS recordings (
    egress_id TEXT NOT NULL PRIMARY KEY,
    call_id TEXT NOT NULL,
    state TEXT NOT NULL                   -- what the call holds of it, so that a long list can be compared without the calls
);

-- A pointer: "sink owes call at revision; it delivered that one".
CREATE TABLE IF NOT EXISTS deliveries (
    sink TEXT NOT NULL,
    call_id TEXT NOT NULL,
    part TEXT NOT NULL,                   -- egress id where a sink works by recording, else empty
    revision BIGINT NOT NULL,
    delivered BIGINT NOT NULL,
    state TEXT NOT NULL,                  -- pending, parked, dead, done
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    last_error TEXT,
    memo TEXT NOT NULL,                   -- the sink's state of this call, JSON
    history TEXT NOT NULL,                -- the last attempts, oldest first, JSON
    created_at BIGINT NOT NULL,
    PRIMARY KEY (sink, call_id, part)
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (sink, due_at);
CREATE INDEX IF NOT EXISTS deliveries_by_call ON deliveries (call_id);
CREATE INDEX IF NOT EXISTS deliveries_by_state ON deliveries (sink, state);

CREATE TABLE IF NOT EXISTS leases (
    job TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    beat BIGINT NOT NULL,                 -- counted up while the owner lives
    expires_at BIGINT NOT NULL            -- by the owner's clock: for people and commands; no lease is taken by it
);

-- The requests that went to a base, whichever process sent them.
CREATE TABLE IF NOT EXISTS bases (
    id TEXT NOT NULL PRIMARY KEY,         -- app…
    month BIGINT NOT NULL,                -- when the month began that `used` counts
    used BIGINT NOT NULL,
    turn_at BIGINT NOT NULL,              -- when the last request that was permitted may go
    lowered BIGINT NOT NULL,              -- thousandths of a request per second; 0: never lowered
    lowered_at BIGINT NOT NULL
);

-- Paused sinks: nothing is sent to them until an error is fixed.
CREATE TABLE IF NOT EXISTS closures (
    sink TEXT NOT NULL PRIMARY KEY,
    error TEXT NOT NULL,
    since BIGINT NOT NULL,
    probe_at BIGINT NOT NULL
);

CREATE TABLE IF NOT EXISTS settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
