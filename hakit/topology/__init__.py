"""The topology: what is declared about regions and pairs, and everything that follows from it alone."""
