"""`python -m longshore.cli` is `longshore`."""

from longshore.cli.main import main

main()
