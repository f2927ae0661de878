"""Media on its way from source to target: transfers under way, and the bounded pipe they flow through."""
