-- The call that an object in the bucket belongs to. A key is reserved here before a recording starts, or taken by the first
-- call whose recording LiveKit or the bucket reports with it.
CREATE TABLE object_keys (
    id TEXT NOT NULL PRIMARY KEY,         -- SHA-256 of the key: a key may be longer than an entry of an index
    object_key TEXT NOT NULL,
    call_id TEXT NOT NULL,
    reserved_at BIGINT                    -- NULL: it was reported, not reserved
);
