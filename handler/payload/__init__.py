"""Parsing what users send."""
