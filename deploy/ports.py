"""The ports of `make run`: all follow from the one that people type."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Ports:
    front: int

    @property
    def auth(self) -> int:
        return self.front + 1

    @property
    def gateways(self) -> tuple[int, int]:
        return self.front + 2, self.front + 3

    @property
    def valkey(self) -> int:
        return self.front + 4

    @property
    def auth_ops(self) -> int:
        return self.front + 11

    @property
    def gateways_ops(self) -> tuple[int, int]:
        return self.front + 12, self.front + 13

    @property
    def all(self) -> tuple[int, ...]:
        return self.front, self.auth, *self.gateways, self.valkey, self.auth_ops, *self.gateways_ops
