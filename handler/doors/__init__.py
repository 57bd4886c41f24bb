"""Entry points for each kind of event: each turns an event into a use case and its result into an answer."""
