"""The program: builds its components, runs them, reloads and stops them."""
