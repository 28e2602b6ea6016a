"""What every door of the REST API shares: errors in words, pages, bodies, credentials, OpenAPI."""
