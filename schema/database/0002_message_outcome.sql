-- What became of an inbox message, as one of a few words. NULL: it is not processed, or a version without this column processed it.
ALTER TABLE inbox ADD COLUMN outcome TEXT;
