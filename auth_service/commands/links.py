"""`user invite | start-reset | setup-link`: one-time links, as an administrator of the machine hands them out.

The link alone goes to stdout, what it means to stderr. It is shown this once: the database holds only its hash.
"""

import argparse
import sys

from auth_service.actions import links, users
from auth_service.commands.opened import opened
from auth_service.core.links import Offer
from shared.printing import moment, shown

_CLOSED_TO = {
    "open": "Anybody may register here: nobody needs this link.\n",
    "invitation": "Whoever opens this link makes an account, once.\n",
}
_RESET = """\
Give this link to {email} by a way that reaches nobody else. Whoever opens it chooses the new password. All sessions
have ended; the old password stays good until the link is used.
"""
SETUP = "Whoever opens this link makes the first account and is the administrator. A new link replaces an older one.\n"


def add_to(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    common: argparse.ArgumentParser,
    named: argparse.ArgumentParser,
) -> None:
    invite = commands.add_parser("invite", parents=[common], help="print a link that makes one account")
    invite.add_argument("--email", help="of whom: with another address the link is of no use")
    invite.set_defaults(run=_invite)
    reset = commands.add_parser("start-reset", parents=[common, named], help="print a link that chooses a new password")
    reset.set_defaults(run=_start_reset)
    setup = commands.add_parser("setup-link", parents=[common], help="print a link that makes the first administrator")
    setup.set_defaults(run=_setup_link)


def tell(offer: Offer, meaning: str) -> None:
    expires_at = moment(int(offer.expires_at.timestamp() * 1000))
    sys.stderr.write(f"{meaning}It works once, until {expires_at}.\n")
    sys.stderr.flush()
    sys.stdout.write(f"{offer.address}\n")


async def _invite(options: argparse.Namespace) -> None:
    async with opened(options) as auth:
        tell(await links.invite_by_command(auth, email=options.email), _CLOSED_TO[auth.registration])


async def _start_reset(options: argparse.Namespace) -> None:
    async with opened(options) as auth:
        user = await users.find(auth.store, options.user)
        tell(await links.start_reset(auth, user.id), _RESET.format(email=shown(user.email)))


async def _setup_link(options: argparse.Namespace) -> None:
    async with opened(options) as auth:
        tell(await links.make_setup(auth), SETUP)
