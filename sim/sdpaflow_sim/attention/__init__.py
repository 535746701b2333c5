"""What knows queries, keys and values: inputs, heads, expected outputs, one call to run them."""
