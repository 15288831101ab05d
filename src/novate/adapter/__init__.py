"""Where the world comes in: journal stores, files, feeds, downloads."""
