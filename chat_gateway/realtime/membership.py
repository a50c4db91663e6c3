"""What publications do to those who listen: a user gains a channel, or loses one at the very offset that says so.

A deletion concerns everybody who has not got the text yet: it is read anew for those who join or come back, and must
leave the user space of the others within a second, or its connection ends.
"""

from collections.abc import Callable

from chat_gateway.realtime.channel import Channel, Listener
from chat_gateway.realtime.ports import Application, Gained, Lost, Scrubbed
from chat_gateway.realtime.publication import Publication
from chat_gateway.realtime.tails import Tails


class Membership:
    """The listeners of an instance by their users. `detach` takes a listener off a channel."""

    def __init__(self, application: Application, detach: Callable[[Listener, str], None], tails: Tails) -> None:
        self.kinds = application.effective_kinds
        self.users: dict[str, dict[Listener, None]] = {}
        self._application = application
        self._detach = detach
        self._tails = tails

    def enter(self, listener: Listener) -> None:
        self.users.setdefault(listener.user_id, {})[listener] = None

    def leave(self, listener: Listener) -> None:
        listeners = self.users.get(listener.user_id, {})
        listeners.pop(listener, None)
        if not listeners:
            self.users.pop(listener.user_id, None)

    def apply(self, channel: Channel, publication: Publication) -> None:
        """Apply what has just been delivered to those who live on the channel."""
        match self._application.effect(publication):
            case Lost(user):
                # for one that is joining, `settle` applies what stands above its snapshot
                for listener in list(self.users.get(user, ())):
                    self._lose(listener, channel)
            case Gained(gained):
                for listener in [one for group in channel.live.values() for one in group]:
                    listener.gains(gained)
            case Scrubbed():
                self._tails.drop(channel.name)
                _take_back(channel)
            case None:
                pass

    def apply_to(self, listener: Listener, channel: Channel, publication: Publication) -> bool:
        """Apply to one listener what passed while it was joining; whether it has lost the channel by it."""
        match self._application.effect(publication):
            case Lost(user) if user == listener.user_id:
                self._lose(listener, channel)
                return True
            case Gained(gained):
                listener.gains(gained)
            case _:
                pass
        return False

    def _lose(self, listener: Listener, channel: Channel) -> None:
        # one that waits has a snapshot above this offset: it knew of the loss, and of what came after it
        if any(listener in group for group in channel.live.values()):
            self._detach(listener, channel.name)
            listener.loses(channel.name)


def _take_back(channel: Channel) -> None:
    for buffer in channel.joining.values():
        buffer.clear()
    for group in channel.live.values():
        for listener in group:
            listener.withhold()
