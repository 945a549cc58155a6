"""Shapes and materials of the rendered examples, made from code alone."""
