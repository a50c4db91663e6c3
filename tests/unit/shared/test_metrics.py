from prometheus_client import REGISTRY

from shared import metrics


def count(method: str, route: str, status: str) -> float:
    labels = {"method": method, "route": route, "status": status}
    return REGISTRY.get_sample_value("parley_http_requests_total", labels) or 0


def test_answered_request_is_counted_and_timed() -> None:
    labels = {"method": "GET", "route": "/unit/{id}"}
    metrics.observe_request("GET", "/unit/{id}", 200, 0.5)
    assert count("GET", "/unit/{id}", "200") == 1
    assert REGISTRY.get_sample_value("parley_http_request_seconds_sum", labels) == 0.5


def test_method_a_stranger_invents_makes_no_new_series() -> None:
    metrics.observe_request("BREW", "/unit/pot", 405, 0)
    metrics.observe_request("MELT", "/unit/pot", 405, 0)
    assert count("other", "/unit/pot", "405") == 2
