"""Calls of jobs to services outside: over HTTP and to AWS, within the rules of the deployment."""
