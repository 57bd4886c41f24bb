"""HTTP: requests, replies, the caller's identity, and the endpoints. `handler.http.api` is the door."""
