"""What is known of collection, annotation and people, by the origin of the videos.

The names are those of Croissant's vocabulary for responsible AI. Nothing is made up: for videos of
somebody's own it says what their owner has to fill in.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..catalogue.metadata import HOMEPAGE

# Terms of a closed list.
COLLECTION_TYPES = {"dancereid": "User-generated content data", "own": "Others", "demo": "Others"}
_BLANK = "Not recorded. The owner of this copy has to fill in: "

STATEMENTS: Mapping[str, Mapping[str, str]] = {
    "dancereid": {
        "dataCollection": (
            "The authors of DanceReID (Ho, Shim, Wee, ICASSP 2020) chose dance videos that their "
            "makers had published on YouTube. The dancereid package fetched the videos again and "
            "cropped people from them by the published annotation."
        ),
        "dataCollectionRawData": (
            "The videos on YouTube, by the ids in the column video_id. They are not part of this "
            f"dataset. The annotation is published at {HOMEPAGE}."
        ),
        "dataAnnotationProtocol": (
            "A pose tracker found bounding boxes, the 17 joints of COCO, and tracks. People then "
            "filtered the tracks by hand: the published annotation lists the frames in which a "
            "track is the person that it stands for. Only these became images."
        ),
        "personalSensitiveInformation": (
            "The images show real people, most of them with their faces. The column video_id leads "
            "to the video, in which they may be named. They published a dance; nobody asked them "
            "about this dataset."
        ),
        "dataBiases": (
            "There are few people, chosen by taste: dancers of K-pop, J-pop, hip hop and similar "
            "styles in published videos. Age, gender, origin and skin colour were not recorded "
            "and are not balanced. Members of a group are often dressed alike."
        ),
        "dataLimitations": (
            "All images of a person are from one video: one day, one set of clothes, one scene. "
            "Images of neighbouring frames are nearly the same. Hidden joints are guesses, and no "
            "column marks them. The test list that was published with the dataset shares people "
            "with its training set; the config 'published' is that list, the others are not."
        ),
        "dataUseCases": (
            "Research on methods of person re-identification. Not for finding out who somebody is, "
            "for following anyone, for surveillance, or for training a system that does."
        ),
        "dataSocialImpact": (
            "Methods of re-identification can be used to follow people without their knowledge. "
            "The people in the images did not agree to be in the dataset."
        ),
        "dataReleaseMaintenancePlan": (
            "Whoever is in a video, or owns one, can have it removed and need not say why. Videos "
            "disappear from YouTube, so builds differ: the fingerprint in the card names the build."
        ),
    },
    "own": {
        "dataCollection": _BLANK + "who chose the videos, where they come from, when, and why.",
        "dataCollectionRawData": "The videos of the owner of this copy. They are not part of it.",
        "dataAnnotationProtocol": (
            "The owner of this copy gave bounding boxes, the 17 joints of COCO, and the frames in "
            "which each person is right. " + _BLANK + "which programs and which people made them."
        ),
        "personalSensitiveInformation": (
            "The images show people, and may show their faces. "
            + _BLANK
            + "whether the people in them agreed."
        ),
        "dataBiases": _BLANK + "whom the videos show, and whom they do not.",
        "dataLimitations": (
            "Images of neighbouring frames are nearly the same. "
            + _BLANK
            + "what else a user should know."
        ),
        "dataUseCases": _BLANK + "what the data is for, and what it must not be used for.",
        "dataReleaseMaintenancePlan": (
            "Whoever is in a video, or owns one, can ask the owner of this copy to remove it."
        ),
    },
    "demo": {
        "dataCollection": "A program drew the people and the scenes. No camera was used.",
        "dataAnnotationProtocol": (
            "The program that drew the people wrote their bounding boxes, joints and identities."
        ),
        "personalSensitiveInformation": "None: no real person is in it.",
        "dataBiases": "Drawn people are alike in everything but their clothes and their dance.",
        "dataLimitations": "Scores on it do not show how good a model is.",
        "dataUseCases": "To try programs on. Not for research, and not for training a model.",
        "dataReleaseMaintenancePlan": "It comes with the dancereid package, and changes with it.",
    },
}
