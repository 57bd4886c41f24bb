"""Parse users' input."""
