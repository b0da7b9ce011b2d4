"""The HTTP edge: parse, limit, enqueue, answer."""
