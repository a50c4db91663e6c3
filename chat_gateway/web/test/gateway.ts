// A gateway of one room log on the other end of a WebSocket that is not one.
// Speaks the JSON protocol to npm `centrifuge`, so that tests run the real net and stores.

import type { UserId } from '../src/core/wire'

export interface LogEntry {
  readonly offset: number
  readonly type: string
  readonly id: string
  readonly at: number
  readonly author: string
  readonly client_id: string
  readonly posts: number
  readonly subject?: string
  readonly content: { readonly body?: string }
}

interface Command {
  id: number
  connect?: { token: string; subs?: Record<string, { offset?: number; recover?: boolean }> }
  rpc?: { method: string; data: Record<string, unknown> }
}

interface Refusal {
  code: number
  message: string
  temporary?: boolean
}

export const ME = 'me' as UserId
export const OTHER = 'other' as UserId

export class Gateway {
  log: LogEntry[] = []
  epoch = 'e1'
  recovers = true
  reachable = true
  markers: unknown[] = []
  calls: string[] = []
  tokens: string[] = []
  refuseConnect: { code: number; reason: string } | null = null
  refusals: Refusal[] = []
  #socket: FakeSocket | null = null

  readonly socket: typeof WebSocket = socketOf(this)

  say(author: string, body: string, clientId = `c${this.log.length + 1}`): LogEntry {
    const offset = this.log.length + 1
    const entry: LogEntry = {
      offset,
      type: 'message.posted',
      id: `m${offset}`,
      at: offset * 1000,
      author,
      client_id: clientId,
      posts: offset,
      content: { body },
    }
    this.log.push(entry)
    return entry
  }

  push({ offset, ...data }: LogEntry): void {
    this.#write({ push: { channel: 'room:lobby', pub: { data, offset } } })
  }

  cut(code = 3001, reason = 'shutdown'): void {
    const socket = this.#socket
    this.#socket = null
    socket?.ended(code, reason)
  }

  opened(socket: FakeSocket): void {
    if (this.reachable) this.#socket = socket
    setTimeout(() => (this.reachable ? socket.onopen?.() : socket.ended(1006, '')), 0)
  }

  received(text: string): void {
    for (const line of text.split('\n')) {
      const command = JSON.parse(line) as Command
      // Answers come in a later turn, as over a network.
      setTimeout(() => this.#answer(command), 0)
    }
  }

  #write(reply: object): void {
    this.#socket?.onmessage?.({ data: JSON.stringify(reply) })
  }

  #answer({ id, connect, rpc }: Command): void {
    if (connect !== undefined) this.#welcome(id, connect)
    if (rpc === undefined) return
    this.calls.push(rpc.method)
    const refusal = rpc.method === 'message.post' ? this.refusals.shift() : undefined
    if (refusal !== undefined) this.#write({ id, error: refusal })
    else this.#write({ id, rpc: { data: this.#do(rpc.method, rpc.data) } })
  }

  #welcome(id: number, { token, subs }: NonNullable<Command['connect']>): void {
    this.tokens.push(token)
    if (this.refuseConnect !== null) {
      const { code, reason } = this.refuseConnect
      this.refuseConnect = null
      this.cut(code, reason)
      return
    }
    const head = this.log.length
    const room = { id: 'lobby', name: 'Lobby', kind: 'public', topic: '', role: 'member', head, posts: head, marker: 0, unread: head }
    const user = { id: ME, name: 'Me', picture: null }
    this.#write({
      id,
      connect: {
        client: 'c',
        version: 'fake',
        subs: { 'room:lobby': this.#position(subs?.['room:lobby']), [`user:${ME}`]: { epoch: this.epoch, recoverable: true } },
        data: { user, rooms: [room] },
      },
    })
  }

  #position(asked: { offset?: number; recover?: boolean } | undefined): object {
    const base = { recoverable: true, positioned: true, epoch: this.epoch, offset: this.log.length }
    if (asked?.recover !== true) return base
    if (!this.recovers) return { ...base, was_recovering: true }
    const offset = asked.offset ?? 0
    const missed = this.log.slice(offset).map(({ offset: at, ...data }) => ({ offset: at, data }))
    return { ...base, offset, was_recovering: true, recovered: true, publications: missed }
  }

  #do(method: string, data: Record<string, unknown>): object {
    if (method === 'message.post') return this.#post(data)
    if (method === 'history.page') return this.#page(data)
    if (method === 'people.get') return { people: (data.users as string[]).map((id) => ({ id, name: id, picture: null })) }
    if (method === 'marker.set') this.markers.push(data)
    return {}
  }

  #post({ body, client_id: clientId }: Record<string, unknown>): object {
    const first = this.log.find((entry) => entry.client_id === clientId)
    const entry = first ?? this.say(ME, String(body), String(clientId))
    if (first === undefined) this.push(entry)
    return { id: entry.id, offset: entry.offset, at: entry.at }
  }

  #page({ before, after, limit }: Record<string, unknown>): object {
    const size = Number(limit)
    const head = this.log.length
    let entries = this.log.slice(-size)
    if (typeof before === 'number') entries = this.log.slice(Math.max(0, before - 1 - size), before - 1)
    if (typeof after === 'number') entries = this.log.slice(after, after + size)
    return { entries, head, epoch: this.epoch }
  }
}

class FakeSocket {
  readyState = 0
  binaryType = ''
  onopen: (() => void) | null = null
  onmessage: ((event: { data: string }) => void) | null = null
  onclose: ((event: { code: number; reason: string }) => void) | null = null
  onerror: (() => void) | null = null

  constructor(private readonly gateway: Gateway) {
    gateway.opened(this)
  }

  send(text: string): void {
    this.gateway.received(text)
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

/** A class to give to the library: each `new` of it dials this gateway. */
function socketOf(gateway: Gateway): typeof WebSocket {
  const Dialled = class extends FakeSocket {
    constructor() {
      super(gateway)
    }
  }
  return Dialled as unknown as typeof WebSocket
}
