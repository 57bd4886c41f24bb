"""The OpenAPI document: operations by noun, and the schemas of requests and replies. `document` combines them."""
