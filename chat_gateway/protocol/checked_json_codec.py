"""The JSON encoding for applications whose data may be anything, because clients of the Protobuf encoding publish it.

What is no JSON is not told to a client of the JSON encoding at all (PROTOCOL 2.1): it would break the message around
it. JSON on several lines is put on one. An application whose data is always JSON has no use for these looks.
"""

import msgspec
from msgspec import Raw
from typing_extensions import override

from chat_gateway.protocol.codec import Unencodable
from chat_gateway.protocol.json_codec import JsonCodec
from chat_gateway.protocol.json_text import embeddable


class CheckedJsonCodec(JsonCodec):
    @override
    def _raw(self, data: bytes) -> Raw:
        try:
            return super()._raw(embeddable(data) if data else data)
        except msgspec.DecodeError as error:
            raise Unencodable("The data is no JSON.") from error


CHECKED_JSON = CheckedJsonCodec()
