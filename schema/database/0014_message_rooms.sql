-- The sid of the room that the message is about, as the message itself says: intake folds the messages of a room together.
-- NULL: it does not say, or an earlier version stored it.
ALTER TABLE inbox ADD COLUMN room_sid TEXT;
