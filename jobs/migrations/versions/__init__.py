"""The revisions of the schema, one a file; they never change once they are released."""
