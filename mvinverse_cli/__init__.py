"""mvinverse: a video or a set of photos in, material maps out."""

__version__ = "0.1.0"
