"""Fixtures shared by every wing."""
