"""The nouns of HTTP: requests, answers, who asks, and the endpoints. `handler.api` is their door."""
