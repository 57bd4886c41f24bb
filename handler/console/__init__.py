"""A developer's machine: what the `conduit` command shows, and a Lambda function to show it of. Door: `handler.cli`."""
