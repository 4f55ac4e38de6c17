"""What several test files need: small tasks, sources of designs, and a look at processes from outside."""
