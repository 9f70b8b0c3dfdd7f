"""What the demo's clips show: who dances (cast), how (moves, bodies), where (scenes), drawn."""
