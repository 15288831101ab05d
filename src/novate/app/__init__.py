"""The only wiring: settings, command line, replay, report."""
