"""The endpoints by noun: each turns an HTTP call into a use case, and its outcome into a reply."""
