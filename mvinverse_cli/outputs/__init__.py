"""Maps out: one writer per format; `quantize.py` is the only rounding. No torch here."""
