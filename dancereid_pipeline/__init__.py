"""The road from DanceReID's videos and pose tracks to examples, a room a step.

In the order the data walks: `catalogue` (which videos, which ids), `sources`
(where their files are), `tracks` and `labels` (who is where, and when),
`frames` and `pictures` (what the clip shows), `crops` and `skeleton` (one person of one picture),
`samples` (all of it joined), `coverage` (what came of it), `layouts` and `export` (folders that
re-ID code reads), `report` and `preview` (looking at it), `prepared` and `hub` (sharing it),
`metrics` (scoring on it).
"""
