"""The `conduit` command: runs the Lambda function on a developer's machine and shows its jobs. See `handler.cli`."""
