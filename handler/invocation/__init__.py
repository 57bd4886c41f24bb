"""One Lambda invocation: time left, event loop, hard stop, log, metrics."""
