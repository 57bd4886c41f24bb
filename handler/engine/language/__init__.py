"""What users write inside strings: tags, paths and the contexts they read."""
