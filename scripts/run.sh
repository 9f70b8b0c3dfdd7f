#!/bin/sh
# The published command: run.sh FOLDER video_data.csv; `dancereid fetch` does the work.
if ! command -v dancereid > /dev/null; then
  echo "run.sh: dancereid is not installed. Install it: pip install . in a checkout of dancereid" >&2
  exit 1
fi
exec dancereid fetch "$@"
