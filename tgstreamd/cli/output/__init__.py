"""What a verb shows: numbers and other people's words, how things stand, tables. Asks nobody anything."""
