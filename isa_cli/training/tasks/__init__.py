"""What is trained: a task turns a batch into losses and says how good it is."""
