"""A run of the tool over many shots: the plan and its mistakes, the model, what files say of themselves, the run."""
