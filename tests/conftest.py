"""What all tests share: no example of Hypothesis fails for being slow."""

from hypothesis import settings

settings.register_profile("unhurried", settings.default, deadline=None)
settings.load_profile("unhurried")
