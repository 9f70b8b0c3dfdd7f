"""The description, citation and address of DanceReID, as builds and cards have them."""

DESCRIPTION = (
    "DanceReID: dancers cropped from YouTube dance videos, each with an identity and a "
    "17-joint pose, for person re-identification."
)
OWN_DESCRIPTION = (
    "People cropped from videos, each with an identity and a 17-joint pose, for person "
    "re-identification: videos of one's own, in the format of DanceReID."
)
CITATION = """\
@inproceedings{ho2020learning,
  title     = {Learning from Dances: Pose-Invariant Re-Identification for Multi-Person Tracking},
  author    = {Ho, Hsuan-I and Shim, Minho and Wee, Dongyoon},
  booktitle = {IEEE International Conference on Acoustics, Speech and Signal Processing (ICASSP)},
  year      = {2020}
}"""
HOMEPAGE = "https://github.com/azuxmioy/DanceReID"
# Not decided yet. Whoever decides fills them in here, and in README and docs/ wherever the words of
# the blank stand (a test compares them); nothing else names the project's address or contact.
PROJECT_URL = ""
CONTACT = ""
PROJECT_URL_SHOWN = PROJECT_URL or "https://address-of-this-project.invalid"
CONTACT_SHOWN = CONTACT or "(contact to be filled in)"
OF_CONFIGS = {
    "demo": "Four short drawn clips that come with the package; 12 people.",
    "paper": "The paper's 21 videos and 100 people: trainval (71) and test (29), no person in "
    "both.",
    "full": "All 33 videos and 178 people: the splits of 'paper', and 'extra'.",
    "published": "The published query list, to compare with published numbers: its test split "
    "lacks the video T4vr8mA4hoY and has qz2311gT1y4, whose five people are also in trainval. Use "
    "'paper' for anything new.",
    "own": "Videos of your own, in the folder data_dir with its catalogue.csv; the splits are "
    "those that the catalogue names.",
}
