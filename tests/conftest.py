"""How hypothesis draws, for all tests: the same examples each time, and no clock."""

from hypothesis import settings

settings.register_profile("qbench", deadline=None, derandomize=True)  # a busy machine is no reason to fail
settings.load_profile("qbench")
