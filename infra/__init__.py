"""Where things are kept, and how the outside is reached. The only folder that talks to AWS and opens sockets."""
