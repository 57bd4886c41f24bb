"""Parses users' input."""
