"""PostgreSQL and Valkey out of two wheels, for checkouts without servers of their own.

Nothing here knows the product: it gets a folder and starts real servers in it. `locations` says
where they are, `services` starts a private pair for a test run, `keeper` and `client` share one
pair between all commands of a checkout, and `supervisor` runs a whole set of processes.
"""
