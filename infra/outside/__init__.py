"""Calls of jobs to other services, over HTTP and to AWS, within the rules of the deployment."""
