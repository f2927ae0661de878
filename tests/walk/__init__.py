"""The walk from nothing to a running mirror, as a person at a terminal meets it; what the screens showed."""
