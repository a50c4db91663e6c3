"""The generated module is what the compiler makes of client.proto, and client.proto is the protocol's."""

from pathlib import Path

import centrifuge.protocol.client_pb2 as sdk
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from grpc_tools import protoc

from chat_gateway.protocol import client_pb2

ROOT = Path(__file__).parents[4]
SOURCE = "chat_gateway/protocol/client.proto"
NEWER_THAN_THE_SDK = {"SubscribeRequest.type"}
MESSAGES: dict[str, Descriptor] = dict(client_pb2.DESCRIPTOR.message_types_by_name)


@pytest.mark.parametrize("generated", ["client_pb2.py", "client_pb2.pyi"])
def test_checked_in_module_is_fresh(generated: str, tmp_path: Path) -> None:
    """If not: the command that generates both files stands at the top of client.proto."""
    assert protoc.main(["", f"-I{ROOT}", f"--python_out={tmp_path}", f"--pyi_out={tmp_path}", SOURCE]) == 0
    fresh = (tmp_path / SOURCE).with_name(generated)
    assert fresh.read_text() == (ROOT / SOURCE).with_name(generated).read_text()


def shape(field: FieldDescriptor) -> tuple[int, int, bool, str]:
    return field.number, field.type, field.is_repeated, field.message_type.name if field.message_type else ""


@pytest.mark.parametrize("name", MESSAGES)
def test_each_field_is_the_protocols(name: str) -> None:
    theirs = sdk.DESCRIPTOR.message_types_by_name[name].fields_by_name
    for field in MESSAGES[name].fields:
        if f"{name}.{field.name}" not in NEWER_THAN_THE_SDK:
            assert shape(field) == shape(theirs[field.name])


def test_type_of_a_subscription_has_the_number_it_has_in_the_newest_schema() -> None:
    assert client_pb2.SubscribeRequest.TYPE_FIELD_NUMBER == 15
    assert 15 not in sdk.DESCRIPTOR.message_types_by_name["SubscribeRequest"].fields_by_number


def test_both_schemas_live_in_one_process() -> None:
    assert client_pb2.DESCRIPTOR.name != sdk.DESCRIPTOR.name
    assert client_pb2.DESCRIPTOR.package != sdk.DESCRIPTOR.package
