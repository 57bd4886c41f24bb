"""Stored workflows, and what starts them: schedules and hooks. See docs/decisions/014-workflows.md."""
