// A gateway with a lobby, and a side room if asked, on the other end of a WebSocket that is not one.
// Speaks the JSON protocol to npm `centrifuge`, so that tests run the real net and stores.

import type { UserId } from '../src/core/wire'
import { socketOf, type FakeSocket } from './socket'

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

type Asked = Record<string, { offset?: number; recover?: boolean }>

interface Command {
  id: number
  connect?: { token: string; subs?: Asked }
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
  /** The log of the room `side`; null while there is no such room. */
  side: LogEntry[] | null = null
  epoch = 'e1'
  recovers = true
  reachable = true
  /** Takes a connect and never answers it. */
  silent = false
  markers: unknown[] = []
  calls: string[] = []
  tokens: string[] = []
  /** The channels whose position came, one list for each connect. */
  positions: string[][] = []
  dials = 0
  /** So many of the next connects get no answer but the end of the socket. */
  drops = 0
  refuseConnect: { code: number; reason: string } | null = null
  refusals: Refusal[] = []
  limits: { text_characters: number; text_bytes: number } | undefined
  #socket: FakeSocket | null = null

  readonly socket: typeof WebSocket = socketOf(this)

  say(author: string, body: string, clientId?: string, log = this.log): LogEntry {
    const offset = log.length + 1
    const entry: LogEntry = {
      offset,
      type: 'message.posted',
      id: `m${offset}`,
      at: offset * 1000,
      author,
      client_id: clientId ?? `c${offset}`,
      posts: offset,
      content: { body },
    }
    log.push(entry)
    return entry
  }

  push({ offset, ...data }: LogEntry, room = 'lobby'): void {
    this.#write({ push: { channel: `room:${room}`, pub: { data, offset } } })
  }

  cut(code = 3001, reason = 'shutdown'): void {
    const socket = this.#socket
    this.#socket = null
    socket?.ended(code, reason)
  }

  opened(socket: FakeSocket): void {
    this.dials += 1
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

  #welcome(id: number, { token, subs = {} }: NonNullable<Command['connect']>): void {
    this.tokens.push(token)
    this.positions.push(Object.keys(subs))
    if (this.silent) return
    if (this.drops > 0) {
      this.drops -= 1
      this.cut(1006, '')
      return
    }
    if (this.refuseConnect !== null) {
      const { code, reason } = this.refuseConnect
      this.refuseConnect = null
      this.cut(code, reason)
      return
    }
    const names = this.side === null ? ['lobby'] : ['lobby', 'side']
    const user = { id: ME, name: 'Me', picture: null }
    this.#write({
      id,
      connect: {
        client: 'c',
        version: 'fake',
        subs: {
          ...Object.fromEntries(names.map((room) => [`room:${room}`, this.#position(room, subs)])),
          [`user:${ME}`]: { epoch: this.epoch, recoverable: true },
        },
        data: { user, rooms: names.map((room) => this.#view(room)), limits: this.limits },
      },
    })
  }

  #logOf(room: unknown): LogEntry[] {
    return room === 'side' ? (this.side ?? []) : this.log
  }

  #view(room: string): object {
    const head = this.#logOf(room).length
    return { id: room, name: room === 'side' ? 'Side' : 'Lobby', kind: 'public', topic: '', role: 'member', head, posts: head, marker: 0, unread: head }
  }

  #position(room: string, subs: Asked): object {
    const asked = subs[`room:${room}`]
    const log = this.#logOf(room)
    const base = { recoverable: true, positioned: true, epoch: this.epoch, offset: log.length }
    if (asked?.recover !== true) return base
    if (!this.recovers) return { ...base, was_recovering: true }
    const offset = asked.offset ?? 0
    const missed = log.slice(offset).map(({ offset: at, ...data }) => ({ offset: at, data }))
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

  #page({ room, before, after, limit }: Record<string, unknown>): object {
    const size = Number(limit)
    const log = this.#logOf(room)
    const head = log.length
    let entries = log.slice(-size)
    if (typeof before === 'number') entries = log.slice(Math.max(0, before - 1 - size), before - 1)
    if (typeof after === 'number') entries = log.slice(after, after + size)
    return { entries, head, epoch: this.epoch }
  }
}
