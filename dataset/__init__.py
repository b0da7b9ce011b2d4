"""Labelled videos and stills in their official layouts, as numpy arrays."""
