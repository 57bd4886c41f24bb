"""One DynamoDB table: its items, conditions on them, and calls for many items at once."""
