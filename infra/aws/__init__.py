"""Calls of AWS: clients, their connections, and calls that several jobs share."""
