-- Of the newest attempts, by the time of each: how long it took, the HTTP status of its answer, and what it did. NULL: none is known.
-- The attempts themselves stay in `history`, which the version before reads.
ALTER TABLE deliveries ADD COLUMN attempt_details TEXT;
