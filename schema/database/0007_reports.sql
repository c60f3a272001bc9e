-- What agents reported of a call, without the words: these stay in the inbox message. A call is read and written with every
-- event, and a report may have 16 MiB.
CREATE TABLE reports (
    id TEXT NOT NULL PRIMARY KEY,         -- of the inbox message
    call_id TEXT NOT NULL,
    job TEXT NOT NULL,                    -- the ID of the agent's job; empty if the report has none
    dated_at BIGINT,                      -- the report's own date
    received_at BIGINT NOT NULL,
    has_words BIGINT NOT NULL,            -- 1: its conversation is not empty
    bytes BIGINT NOT NULL,
    hash TEXT NOT NULL,                   -- SHA-256 of its body
    body TEXT                             -- of a report that an earlier version stored in the call
);
CREATE INDEX reports_by_call ON reports (call_id);
