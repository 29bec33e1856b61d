"""Objects, signed links and derived results in folders of this machine (embedded size)."""
