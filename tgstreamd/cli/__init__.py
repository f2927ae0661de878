"""The verbs, one small module each; `main.py` parses the command line and prints errors as one line."""
