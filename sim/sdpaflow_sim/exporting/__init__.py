"""A design as files for other tools."""
