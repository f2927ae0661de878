"""The operator's desk: what the verbs ask and how they are answered, with a daemon running or without."""
