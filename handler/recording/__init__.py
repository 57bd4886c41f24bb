"""The record protocol: what a run writes to the table and publishes on the bus."""
