"""The APIs: translate wire to service and back, nothing else."""
