"""What touches untrusted files: opening, listing and decoding them, in a sandbox."""
