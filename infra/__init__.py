"""Storage and calls of the outside world. The only folder that talks to AWS and opens sockets."""
