"""Settings, choice of adapters, composition, lifespan: where everything is put together."""
