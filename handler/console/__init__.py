"""The `conduit` command: runs the Lambda function on a developer's machine and shows its jobs. Entry: `handler.cli`."""
