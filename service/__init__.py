"""The HTTP edge: parse, limit, enqueue, answer; and the name and version of the product."""

NAME = "Rotograph"
VERSION = "0.1.0"
