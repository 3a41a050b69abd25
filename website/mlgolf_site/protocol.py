"""What a site, its API and its workers agree on."""

API = "/api/"  # where the addresses of the API begin
PROTOCOL = 2  # changes when either end would misunderstand the other
MOST_SKEW = 60  # seconds between their clocks
LOCAL_WORKER = "local worker"  # begins the name of the token of a worker that the site starts
LARGEST_BUNDLE = 500_000_000  # bytes
MOST_EVENTS = 50_000  # of one attempt to play a run: what comes then is in its bundle
MOST_EVENTS_AT_ONCE = 500  # of one heartbeat
# Ends the answer to who showed no good token; `mlgolf` says what to type instead.
TOKEN_ADVICE = (
    "Send the header Authorization: Bearer TOKEN, with a token from the page Tokens of your "
    "account."
)
LONGEST_LINE = 2000  # characters of a line of a log
