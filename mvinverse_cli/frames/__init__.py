"""Frames in: a path becomes upright RGB pictures with a number and a time. No torch here."""
