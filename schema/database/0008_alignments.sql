-- Calls whose recording is to be listened to, to find where the words of their reports are in it.
CREATE TABLE alignments (
    call_id TEXT NOT NULL PRIMARY KEY,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL              -- begun ones: one that ends the process counts
);
CREATE INDEX alignments_due ON alignments (due_at);
