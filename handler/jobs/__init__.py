"""The use cases of jobs: submit, read, list, cancel, redrive, run from the queue, sweep."""
