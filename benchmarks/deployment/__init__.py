"""Whether the containers work, tried where there is no Docker engine."""
