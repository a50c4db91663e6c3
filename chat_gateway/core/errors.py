"""The refusals of the chat, each with its stable code and a sentence that says what to do."""

from chat_gateway.core.changes import MAX_EDITS, MAX_EMOJIS, MAX_PINS
from chat_gateway.core.limits import DEFAULTS
from shared.errors import Conflict, Forbidden, InvalidInput, NotFound, Unavailable


def room_not_found() -> NotFound:
    """Answer a missing room and one the caller may not see alike."""
    return NotFound("room_not_found", "There is no such room for you. Join it first, or ask a member to let you in.")


def not_allowed() -> Forbidden:
    return Forbidden("not_allowed", "Your role in this room does not allow that. Ask its owner.")


def direct_room() -> Forbidden:
    return Forbidden("direct_room", "A direct room has the same people for good, and no roles. Make a room instead.")


def not_your_message() -> Forbidden:
    return Forbidden("not_your_message", "Only its author may change this message. Ask them, or post your own.")


def not_reachable() -> Forbidden:
    """Answer whom the other has blocked; the sentence does not say who did."""
    return Forbidden("not_reachable", "This conversation takes no messages from you. Write to somebody else.")


def account_deleted() -> Conflict:
    return Conflict("account_deleted", "This account was deleted; nobody would read this. Write to somebody else.")


def oneself() -> InvalidInput:
    return InvalidInput("invalid_request", "user: That is you. Leave the room instead.")


def member_not_found() -> NotFound:
    return NotFound("member_not_found", "This person is not in the room. Reload its members.")


def client_id_conflict() -> Conflict:
    return Conflict("client_id_conflict", "This client_id stands for something else already. Send a new one.")


def banned() -> Forbidden:
    return Forbidden("banned", "You are banned from this room. Ask its owner to let you in again.")


def person_not_found() -> NotFound:
    """Answer somebody unknown and one whose account is disabled alike."""
    return NotFound("person_not_found", "There is no such person here. Search for them by name.")


def last_owner() -> Conflict:
    return Conflict("last_owner", "You are the last owner of this room. Make another member its owner first.")


def too_many_rooms(most: int = DEFAULTS.rooms_per_person) -> Conflict:
    return Conflict("too_many_rooms", f"Nobody may be in more rooms than {most:,}. Leave one first.")


def message_not_found() -> NotFound:
    """Answer a missing message, a deleted one and one of another room alike."""
    return NotFound("message_not_found", "There is no such message in this room, or it was deleted. Reload the room.")


def not_a_thread_root() -> Conflict:
    return Conflict(
        "not_a_thread_root", "That message stands in a thread itself. Name the message its thread began with."
    )


def read_only() -> Forbidden:
    return Forbidden("read_only", "Only the owner and the admins post in this room. Ask one of them.")


def room_archived() -> Conflict:
    return Conflict("room_archived", "This room is archived. Ask its owner to open it again.")


def too_many_edits() -> Conflict:
    return Conflict("too_many_edits", f"A message is edited at most {MAX_EDITS} times. Post a new one.")


def too_many_reactions() -> Conflict:
    return Conflict("too_many_reactions", f"A message has at most {MAX_EMOJIS} different reactions. Use one of them.")


def too_many_pins() -> Conflict:
    return Conflict("too_many_pins", f"A room has at most {MAX_PINS} pinned messages. Unpin one first.")


def not_storable() -> InvalidInput:
    return InvalidInput("invalid_request", "The database does not take this text or number. Send another one.")


def store_unavailable() -> Unavailable:
    return Unavailable("store_unavailable", "The database does not answer now. Try again; nothing is done twice.")
