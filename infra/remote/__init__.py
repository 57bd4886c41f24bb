"""Access to a deployed stack from the command line: its HTTP API and its logs."""
