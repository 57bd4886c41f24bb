"""What can be known about a job before it runs."""
