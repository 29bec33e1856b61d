"""Coordination inside one process, and between the processes of one machine by locks in a folder."""
