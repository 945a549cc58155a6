"""Training on rendered scenes and fine-tuning on clips: batches, losses, and the runs that keep it all."""
