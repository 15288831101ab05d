"""One writer over one journal: decide, apply, recover, audit, fork."""
