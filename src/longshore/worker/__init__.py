"""Background jobs: claim, run, complete."""
