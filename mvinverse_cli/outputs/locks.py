"""Locks on open files that the kernel takes back when a process dies: `flock`'s, where the file system has them."""

import errno
import sys
from typing import Literal

if sys.platform != "win32":
    import fcntl

NO_LOCKS = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK)  # what some network file systems answer

Answer = Literal["held", "busy", "unknown"]  # unknown: the file system has no locks


def lock(file: int, *, shared: bool, wait: bool) -> Answer:
    """Locks an open file by its descriptor, or changes the lock that it has. Raises OSError."""
    if sys.platform == "win32":
        return "unknown"
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return "busy"
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        return "unknown"
    return "held"
