"""The record protocol: a run's writes to the table and its events on the bus."""
