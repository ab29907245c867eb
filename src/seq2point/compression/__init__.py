"""Smaller networks: pruning, compaction, low rank, and what each costs."""
