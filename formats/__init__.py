"""Results in the formats of others: one format a file, each read and written a frame at a time."""
