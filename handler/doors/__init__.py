"""The entry points, one for each kind of event: each calls a use case and turns its result into an answer."""
