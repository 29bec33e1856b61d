"""The small kit under the native API: a table of operations, and what is made of it."""
