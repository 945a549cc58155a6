"""Numpy archives (.npz) that others have written."""

import zipfile
import zlib

# What numpy raises for one that is damaged, or none: TypeError where it is a single array
DAMAGED_ARCHIVE = (OSError, ValueError, TypeError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
