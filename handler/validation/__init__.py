"""Checks a job before it runs."""
