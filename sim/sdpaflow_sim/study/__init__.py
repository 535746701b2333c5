"""A study: pipelines over N, each point simulated and checked, as tables, figures and a page."""
