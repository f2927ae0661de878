"""Makes the documentation: what is generated from the code, what is shown from the running program."""
