"""Readers of files from outside, given files that were changed at random."""
