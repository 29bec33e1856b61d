"""How a technology does what a port asks. Imported by `wiring` only."""
