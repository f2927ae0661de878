"""What a verb asks a person: lines, lists to pick from, a login, a mirror's choices; and the file of it."""
