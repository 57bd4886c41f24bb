"""The endpoints by noun: each calls a use case for an HTTP call, and makes a reply of the outcome."""
