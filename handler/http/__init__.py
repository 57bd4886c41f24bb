"""The nouns of HTTP: requests, answers, who asks, and the endpoints. `handler.http.api` is their door."""
