"""The commands of `conduit`, one file each. Only the one that is called is imported, so that it starts fast."""
