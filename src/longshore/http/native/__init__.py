"""The native API, `/api/v1`: its wire bodies, its handlers, and the table that joins them."""
