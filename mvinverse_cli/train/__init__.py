"""Training: batches from scenes, what a camera does to them, losses, and the run that keeps it all."""
