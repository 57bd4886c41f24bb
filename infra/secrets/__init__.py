"""Secrets of tenants: encrypted in the table, decrypted for a call, exchanged for access tokens."""
