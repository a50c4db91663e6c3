// A WebSocket that is not one: what is sent goes to a peer of the tests, in the same process.

export interface Peer {
  opened(socket: FakeSocket): void
  received(text: string): void
}

export class FakeSocket {
  readyState = 0
  binaryType = ''
  onopen: (() => void) | null = null
  onmessage: ((event: { data: string }) => void) | null = null
  onclose: ((event: { code: number; reason: string }) => void) | null = null
  onerror: (() => void) | null = null

  constructor(private readonly peer: Peer) {
    peer.opened(this)
  }

  send(text: string): void {
    this.peer.received(text)
  }

  close(): void {
    this.ended(1000, '')
  }

  ended(code: number, reason: string): void {
    if (this.readyState === 3) return
    this.readyState = 3
    this.onclose?.({ code, reason })
  }
}

/** A class to give to the library: each `new` of it dials the peer. */
export function socketOf(peer: Peer): typeof WebSocket {
  const Dialled = class extends FakeSocket {
    constructor() {
      super(peer)
    }
  }
  return Dialled as unknown as typeof WebSocket
}
