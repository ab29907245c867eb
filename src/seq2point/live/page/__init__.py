"""The live page: what it shows, who may see it, and the server that gives it out."""
