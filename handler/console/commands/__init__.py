"""The commands of `conduit`, a file each; imported when one is called, so that each pays for itself only."""
