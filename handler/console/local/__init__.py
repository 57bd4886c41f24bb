"""A deployment on a developer's machine: the function, the embedded AWS, and the API on a port."""
