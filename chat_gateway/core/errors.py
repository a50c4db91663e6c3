"""The refusals of the chat, each with its stable code and a sentence that says what to do."""

from chat_gateway.core.changes import MAX_ROOMS
from shared.errors import Conflict, Forbidden, InvalidInput, NotFound, Unavailable


def room_not_found() -> NotFound:
    """Answer a missing room and one the caller may not see alike."""
    return NotFound("room_not_found", "There is no such room for you. Join it first, or ask a member to let you in.")


def not_allowed() -> Forbidden:
    return Forbidden("not_allowed", "Your role in this room does not allow that. Ask its owner.")


def member_not_found() -> NotFound:
    return NotFound("member_not_found", "This person is not in the room. Reload its members.")


def client_id_conflict() -> Conflict:
    return Conflict("client_id_conflict", "This client_id stands for something else already. Send a new one.")


def too_many_rooms() -> Conflict:
    return Conflict("too_many_rooms", f"You are in {MAX_ROOMS} rooms, which is the most. Leave one first.")


def not_storable() -> InvalidInput:
    return InvalidInput("invalid_request", "The database does not take this text or number. Send another one.")


def store_unavailable() -> Unavailable:
    return Unavailable("store_unavailable", "The database does not answer now. Try again; nothing is done twice.")
