"""Draws the demo's clips: who dances (cast), how (moves, bodies), and where (scenes)."""
