-- How a report came: the agents SDK uploads a session by itself, beside what the agent may send of it.
ALTER TABLE reports ADD COLUMN uploaded BIGINT NOT NULL DEFAULT 0; -- 1: the agents SDK uploaded it
