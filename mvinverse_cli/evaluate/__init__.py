"""Evaluation: metrics, alignments and baselines, and one module per protocol."""
