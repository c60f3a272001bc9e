-- Work that replicas share. A process counts up the beat of its own lease; what a process without that lease has taken is free.
-- The process that stored the message, which processes it; NULL: an earlier version stored it.
ALTER TABLE inbox ADD COLUMN received_by TEXT;
-- The process that is sending it; NULL: none, or its sink has one owner.
ALTER TABLE deliveries ADD COLUMN claimed_by TEXT;
