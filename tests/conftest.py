"""What holds for all tests: how hypothesis draws (the same examples each time, and no clock), and one thread a process.

Two test processes share the cores already; with more threads each they would mostly wait for one another.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported; what tests start has it too

from hypothesis import settings

settings.register_profile("qbench", deadline=None, derandomize=True)  # a busy machine is no reason to fail
settings.load_profile("qbench")
