"""Data sets of the world in the layouts that they are published in: files become `Example`s, or say what they lack."""
