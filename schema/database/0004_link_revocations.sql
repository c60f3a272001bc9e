-- Calls whose permanent links were revoked (`calls unlink`).
CREATE TABLE link_revocations (
    call_id TEXT NOT NULL PRIMARY KEY,
    generation BIGINT NOT NULL,           -- how often; links of earlier generations have ended
    revoked_at BIGINT NOT NULL,
    row_links TEXT NOT NULL               -- none, or new: whether the call's row has links again
);
