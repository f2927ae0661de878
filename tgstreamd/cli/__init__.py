"""The commands, one small module each; `main` parses the command line and prints an error as one line."""
