-- Who is signed in to the pages. The browser has the ID of its session, and this table a hash of it.
CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,         -- SHA-256 of the ID
    kind TEXT NOT NULL,                   -- token, person
    name TEXT NOT NULL,                   -- of the token, or of the person that OPS_TRUST_HEADER named
    proof TEXT NOT NULL,                  -- of a token: SHA-256 of the ID and the token, so that the session ends with the token
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_by_end ON sessions (expires_at);
