"""What the services need from the world, as protocols. Adapters implement them; `wiring` chooses."""
