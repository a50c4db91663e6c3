"""The release, as both services name it; pyproject.toml and the client's package.json say the same."""

VERSION = "0.1.0"
