"""What must not be in any log, whoever wrote it: tokens, passwords, addresses of people, and what people said."""

import re

PASSWORD = "correct horse battery"
"""Everybody's whom the driver registers."""

_ALWAYS = {
    "a token": re.compile(r"eyJ[\w-]{8,}"),
    "an API key": re.compile(r"parley_[\w-]+_[\w-]{16,}"),
    "an e-mail address": re.compile(r"[\w.+-]+(?:@|%40)(?:test|example)\.com", re.IGNORECASE),
    "a password": re.compile(re.escape(PASSWORD)),
}


def secrets_in(logs: str, *also: str) -> list[str]:
    """Name what was found, and the line it was found in, so that the writer can be mended."""
    patterns = {**_ALWAYS, **{f"{secret[:6]}...": re.compile(re.escape(secret)) for secret in also}}
    return [
        f"{what}: {line[max(0, found.start() - 200) : found.end() + 50]}"
        for line in logs.splitlines()
        for what, pattern in patterns.items()
        if (found := pattern.search(line))
    ]
