"""The commands of `conduit`, one file each. Only the called command is imported, so that it starts fast."""
