"""A ledger of each schema, as a program of its time left it, and what makes the next one."""
