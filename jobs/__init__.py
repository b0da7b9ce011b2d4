"""Durable work: jobs that survive their worker, segment by segment."""
