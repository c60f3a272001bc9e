-- How loud each recording is over its length, for the waveforms of the pages.
CREATE TABLE waveforms (
    egress_id TEXT NOT NULL PRIMARY KEY,
    call_id TEXT NOT NULL,
    due_at BIGINT,                        -- when it is to be listened to; NULL: that was done
    attempts BIGINT NOT NULL,             -- begun ones: one that ends the process counts
    points TEXT                           -- NULL: there is none
);
CREATE INDEX waveforms_due ON waveforms (due_at);
CREATE INDEX waveforms_call ON waveforms (call_id);
