-- The LiveKit project that a message and a call belong to. A key acts on calls of its own project only.
-- ours, webhooks (an earlier key of ours), other (signed_by names the key), undecided:KEY (LIVEKIT_URL has not said yet);
-- NULL: nobody signed it, or an earlier version stored it.
ALTER TABLE inbox ADD COLUMN project TEXT;
-- The API key of another project; NULL: ours, also for everything that an earlier version stored.
ALTER TABLE calls ADD COLUMN project TEXT;
-- Keys with their secrets, by a hash of both: those that were LIVEKIT_API_KEY, and what LIVEKIT_URL answered to others.
CREATE TABLE livekit_keys (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    standing TEXT NOT NULL,               -- ours, other
    noted_at BIGINT NOT NULL
);
