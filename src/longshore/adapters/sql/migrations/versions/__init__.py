"""One file per revision, `0001_what_it_does.py`, in order."""
