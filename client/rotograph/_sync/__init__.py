"""Both clients: `_async` is written by hand, `client/make_sync.py` makes `_sync` from it."""
