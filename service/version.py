"""The product's name and version."""

NAME = "Rotograph"
VERSION = "0.1.0"
