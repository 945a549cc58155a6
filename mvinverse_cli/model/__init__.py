"""The network: tensors in, tensors out, and the checkpoint that fills it. No numpy, no files but weights."""
