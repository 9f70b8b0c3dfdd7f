"""Figures, as ratios of things measured side by side. Nothing here passes or fails.

python -m benchmarks [NAME ...]
"""
