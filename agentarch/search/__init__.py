"""The search: one loop for every kind of design, its state as a function of the log, its runs on disk."""
