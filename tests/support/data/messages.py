"""What YouTube and yt-dlp say, with the reason; collected from yt-dlp's code and its users."""

# ruff: noqa: E501  # a message is a line, as it came

from __future__ import annotations

from yt_dlp.utils import UnavailableVideoError, bug_reports_message

from dancereid_pipeline.common.reasons import Reason

LIMITED, BOT, AGE, PRIVATE = Reason.RATE_LIMITED, Reason.BOT_CHECK, Reason.AGE, Reason.PRIVATE
CLOSED, REMOVED, BLOCKED = Reason.ACCOUNT_CLOSED, Reason.REMOVED, Reason.BLOCKED
FORMAT, NETWORK, UNAVAILABLE = Reason.NO_FORMAT, Reason.NETWORK, Reason.UNAVAILABLE

ORDER = [LIMITED, BOT, AGE, PRIVATE, CLOSED, REMOVED, BLOCKED, FORMAT, NETWORK, UNAVAILABLE]

COOKIES = (
    "Use --cookies-from-browser or --cookies for the authentication. "
    "See  https://github.com/yt-dlp/yt-dlp/wiki/FAQ#how-do-i-pass-cookies-to-yt-dlp  "
    "for how to manually pass cookies. "
    "Also see  https://github.com/yt-dlp/yt-dlp/wiki/Extractors#exporting-youtube-cookies  "
    "for tips on effectively exporting YouTube cookies"
)
SLOWER = (
    "has been rate-limited by YouTube for up to an hour. It is recommended to use `-t sleep` to "
    "add a delay between video requests to avoid exceeding the rate limit. For more information, "
    "refer to  https://github.com/yt-dlp/yt-dlp/wiki/Extractors#this-content-isnt-available-try-again-later"
)
GONE = "Video unavailable. This video is no longer available "
OTHERS = "Video unavailable. This video contains content from "
NO_RUNTIME = (
    "n challenge solving failed: Some formats may be missing. Ensure you have a supported "
    "JavaScript runtime and challenge solver script distribution installed."
)

MESSAGES = [
    (LIMITED, f"This content isn't available, try again later. The current session {SLOWER}"),
    (LIMITED, f"Video unavailable. This content isn't available, try again later. Your account {SLOWER}"),
    (LIMITED, "Video unavailable. This content isn\u2019t available, try again later."),
    (LIMITED, "Unable to download webpage: HTTP Error 429: Too Many Requests (caused by <HTTPError 429: Too Many Requests>)"),
    (BOT, f"Sign in to confirm you\u2019re not a bot. {COOKIES}"),
    (BOT, f"Sign in to confirm you're not a bot. {COOKIES}"),
    (BOT, "Sign in to confirm you\u2019re not a bot. This helps protect our community. Learn more"),
    (BOT, "Sign in to confirm that you're not a bot"),
    (BOT, f"Please sign in. {COOKIES}"),
    (BOT, "Video unavailable. YouTube is requiring a captcha challenge before playback"),
    (BOT, "All player responses are invalid. Your IP is likely being blocked by Youtube"),
    (BOT, "This video is only available for registered users. Use --cookies for the authentication"),
    (AGE, f"Sign in to confirm your age. This video may be inappropriate for some users. {COOKIES}"),
    (AGE, "This video may be inappropriate for some users."),
    (AGE, "This video is age-restricted and only available on YouTube. Learn more"),
    (AGE, "Video unavailable. The following content has been identified by the YouTube community as inappropriate or offensive to some audiences."),
    (PRIVATE, f"Private video. Sign in if you've been granted access to this video. {COOKIES}"),
    (PRIVATE, "This video is private. If the owner of this video has granted you access, please sign in."),
    (PRIVATE, "Video unavailable. This video is private"),
    (PRIVATE, "Join this channel to get access to members-only content like this video, and other exclusive perks."),
    (PRIVATE, "This video is available to this channel\u2019s members on level: Tier 2 (or any higher level)."),
    (PRIVATE, "This video is only available to Music Premium members"),
    (PRIVATE, "This video requires payment to watch."),
    (PRIVATE, "Unable to download webpage: HTTP Error 401: Unauthorized"),
    (CLOSED, f"{GONE}because the YouTube account associated with this video has been terminated."),
    (CLOSED, f"{GONE}because the uploader has closed their YouTube account."),
    (CLOSED, "The YouTube account associated with this video has been terminated due to multiple third-party notifications of copyright infringement."),
    (CLOSED, "This account has been terminated because we received multiple third-party claims of copyright infringement regarding material the user posted."),
    (REMOVED, "Video unavailable. This video has been removed by the uploader"),
    (REMOVED, "This video has been removed for violating YouTube's Terms of Service"),
    (REMOVED, "This video has been removed for violating YouTube's policy on nudity or sexual content"),
    (REMOVED, f"{GONE}due to a copyright claim by Some Records"),
    (REMOVED, f"{GONE}due to a privacy claim by a third party."),
    (REMOVED, f"{OTHERS}SME, who has blocked it on copyright grounds"),
    (REMOVED, f"{OTHERS}UMG and WMG, one or more of whom have blocked it on copyright grounds."),
    (REMOVED, "Video unavailable. It was removed following a copyright removal request by Some Records Inc."),
    (REMOVED, "Video unavailable. This video isn't available anymore"),
    (REMOVED, "This video does not exist."),
    (REMOVED, "This video is a duplicate of a previously uploaded video."),
    (REMOVED, "Unable to download webpage: HTTP Error 404: Not Found (caused by <HTTPError 404: Not Found>)"),
    (BLOCKED, "Video unavailable. The uploader has not made this video available in your country"),
    (BLOCKED, f"{OTHERS}SME, who has blocked it in your country on copyright grounds"),
    (BLOCKED, f"{OTHERS}UMG. It is not available in your country."),
    (BLOCKED, "Unfortunately, this video is not available in your country because it could contain music for which we could not agree on conditions of use with GEMA."),
    (BLOCKED, "Video unavailable. This content is not available on this country domain due to a legal complaint from the government."),
    (BLOCKED, "This video is not available from your location due to geo restriction"),
    (BLOCKED, "This video is no longer available in your region"),
    (FORMAT, "Requested format is not available. Use --list-formats for a list of available formats"),
    (FORMAT, "No video formats found!"),
    (FORMAT, "This video is DRM protected"),
    (FORMAT, "Only images are available for download. use --list-formats to see them"),
    (FORMAT, NO_RUNTIME),
    (FORMAT, "Signature extraction failed: Some formats may be missing"),
    (FORMAT, "The page needs to be reloaded.. The page needs to be reloaded."),
    (FORMAT, f"Unable to extract uploader id{bug_reports_message()}"),
    (FORMAT, "YouTube is no longer supported in this application or device."),
    (FORMAT, "Unsupported URL: https://mirror.lab/videos/000_ZhuDSdmby8k"),
    (NETWORK, "Unable to download webpage: <urlopen error [Errno 110] Connection timed out>"),
    (NETWORK, "Unable to download API page: <urlopen error [Errno -3] Temporary failure in name resolution>"),
    (NETWORK, "Unable to download API page: <urlopen error [Errno 111] Connection refused>"),
    (NETWORK, "[Errno 8] nodename nor servname provided, or not known"),
    (NETWORK, "<urlopen error [Errno 11001] getaddrinfo failed>"),
    (NETWORK, str(UnavailableVideoError(OSError(101, "Network is unreachable")))),
    (NETWORK, "[download] Got error: HTTPSConnectionPool(host='rr1---sn-a5mekndl.googlevideo.com', port=443): Read timed out. (read timeout=20.0)"),
    (NETWORK, "\r[download] Got error: 1048576 bytes read, 9437184 more expected. Giving up after 10 retries"),
    (NETWORK, "A network error has occurred. (caused by <IncompleteRead: 5 bytes read, 7 more expected>)"),
    (NETWORK, "Unable to download webpage: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate (_ssl.c:1006)"),
    (NETWORK, "unable to download video data: ('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))"),
    (NETWORK, "content too short (expected 7 bytes and served 5)"),
    (NETWORK, "Did not get any data blocks"),
    (NETWORK, f"Failed to extract any player response{bug_reports_message()}"),
    (NETWORK, "Unable to download API page: HTTP Error 503: Service Unavailable"),
    (UNAVAILABLE, "Video unavailable"),
    (UNAVAILABLE, "This video is unavailable"),
    (UNAVAILABLE, "Video unavailable. This content isn\u2019t available."),
    (UNAVAILABLE, "Premieres in 3 hours"),
    (UNAVAILABLE, "This live event will begin in a few moments."),
    (UNAVAILABLE, "This live stream recording is not available."),
    (UNAVAILABLE, "unable to download video data: HTTP Error 403: Forbidden"),
    (UNAVAILABLE, "\r[download] Got error: HTTP Error 403: Forbidden. Giving up after 10 retries"),
    (UNAVAILABLE, "fragment 844 not found, unable to continue"),
    (UNAVAILABLE, "An extractor error has occurred. (caused by KeyError('streamingData'))"),
]  # fmt: skip
