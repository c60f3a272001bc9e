-- Who listened, read, linked or changed something. Lines are only ever added at the end and deleted from the beginning.
CREATE TABLE audit (
    number BIGINT NOT NULL PRIMARY KEY,   -- 1, 2, 3 …, without gaps
    happened_at BIGINT NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    call_id TEXT,
    egress_id TEXT,
    configuration TEXT,                   -- of a start: the fingerprint of the settings
    client TEXT NOT NULL,
    status BIGINT NOT NULL,               -- of a request; of a command its exit code
    requests BIGINT NOT NULL,
    detail TEXT NOT NULL,
    line_key TEXT NOT NULL UNIQUE,        -- the same line twice is one line
    previous TEXT NOT NULL,               -- the hash of the line before
    hash TEXT NOT NULL                    -- SHA-256 of everything else
);
CREATE INDEX audit_by_call ON audit (call_id, number);
CREATE INDEX audit_by_egress ON audit (egress_id, number);
-- The ends of the chain: `head` is the last line, `anchor` the last one that retention has deleted.
CREATE TABLE audit_chain (
    name TEXT NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL,
    hash TEXT NOT NULL
);
INSERT INTO audit_chain (name, number, hash) VALUES ('anchor', 0, ''), ('head', 0, '');
-- Refused requests of the current hour; they become lines when it is over.
CREATE TABLE audit_refused (
    id TEXT NOT NULL PRIMARY KEY,
    hour BIGINT NOT NULL,                 -- hours since the epoch
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    call_id TEXT,
    egress_id TEXT,
    client TEXT NOT NULL,
    status BIGINT NOT NULL,
    requests BIGINT NOT NULL,
    detail TEXT NOT NULL
);
