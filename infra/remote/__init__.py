"""A deployed stack, as the command line sees it: its HTTP API and its logs."""
