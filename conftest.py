"""Before any test imports torch: one thread, for tiny networks spend their time waiting for each other's. And no test
of a law fails for being slow, as it may be on a busy machine.
"""

import os

from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
settings.register_profile("mvinverse", deadline=None)
settings.load_profile("mvinverse")
