"""Metrics both services have. Metric objects live once per process: the one global that is permitted."""

from prometheus_client import Counter, Histogram

HTTP_REQUESTS = Counter("parley_http_requests", "Requests answered.", ["method", "route", "status"])
HTTP_SECONDS = Histogram(
    "parley_http_request_seconds",
    "From the request's head to the end of its answer.",
    ["method", "route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def observe_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count one answered request.

    `route` is the pattern, never the path, and odd methods share a label: strangers
    must not be able to make new time series.
    """
    known = method if method in _METHODS else "other"
    HTTP_REQUESTS.labels(known, route, str(status)).inc()
    HTTP_SECONDS.labels(known, route).observe(seconds)
