"""What comes out: objects of frames, linked into tracks, with masks as run lengths."""
