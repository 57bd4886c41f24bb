"""Stored workflows, and what starts them: schedules and hooks."""
