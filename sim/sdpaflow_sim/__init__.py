"""What drives, checks and measures the pipelines: engines, stalls, reports, waves, command line."""
