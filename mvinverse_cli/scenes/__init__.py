"""Rendered scenes: what rooms are made of, how they are traced, and how they lie on disk. No torch here."""
