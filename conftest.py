"""Before any test imports torch: one thread, for tiny networks spend their time waiting for each other's."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
