"""The steps from DanceReID's videos and pose tracks to examples, and tools that use the examples.

Rooms are in the order of the data. A room imports only rooms above it (a test checks it). The
builder, `dancereid.py`, is between the last two: it imports any room but that of the command.
"""

ROOMS = {
    "common": "errors, files, processes: knows nothing of dancing, re-ID or networks",
    "catalogue": "which videos there are, whose ids are whose, which split each is in",
    "formats": "the bytes of one input <-> arrays; nothing is searched, nothing is fetched",
    "inputs": "a data folder -> each video's clip, tracks and annotation",
    "checks": "what is doubtful in tracks and annotation, and whether a clip is theirs",
    "transfer": "an address -> bytes or a file",
    "fetch": "a catalogue -> its inputs, by transfer",
    "build": "inputs -> samples -> what `load_dataset` gives",
    "shards": "a video's samples -> a Parquet file, and what is known of it",
    "evaluation": "features -> scores",
    "export": "samples -> folders that other tools read",
    "preview": "a dataset -> something to look at",
    "publish": "a dataset -> a folder in the Hub's layout, its card, the Hub",
    "training": "a dataset -> a model -> features",
    "importers": "other people's formats -> a data folder",
    "doctor": "whether this machine can do it",
    "cli": "the command `dancereid`; as its user does, it calls `dancereid.py`, which no other may",
}
