"""Jobs, blocks and problems as lines of text or as a live table."""
