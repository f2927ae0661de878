"""The target side: whose turn it is, what is sent, what became of it, what follows from an error."""
