"""What a site, its API and its workers agree on."""

API = "/api/"  # where the addresses of the API begin
PROTOCOL = 2  # changes when either end would misunderstand the other
MOST_SKEW = 60  # seconds between their clocks
LOCAL_WORKER = "local worker"  # begins the name of the token of a worker that the site starts
