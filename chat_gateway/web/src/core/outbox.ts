// Own messages on their way: in order, one in flight, each kept until the server took or refused it.
// Trying again is safe: the client_id makes a repeat answer the first result. Lives as long
// as the page; holds no timer of its own (`wait` is given).

import { Failure, RpcError } from './errors'
import type { ClientId, Posted, RoomId } from './wire'

export interface Draft {
  readonly room: RoomId
  readonly clientId: ClientId
  readonly body: string
}

export interface Post {
  send(draft: Draft): Promise<Posted>
  sent(draft: Draft, posted: Posted): void
  refused(draft: Draft, refusal: Failure): void
  wait(seconds: number): Promise<void>
}

const FIRST_WAIT = 0.5
const LONGEST_WAIT = 15
const UNREADABLE = new Failure('unreadable', null, 'The server gave an unreadable answer.')

export class Outbox {
  readonly #queue: Draft[] = []
  #open = false
  #busy = false
  #failures = 0

  constructor(private readonly post: Post) {}

  add(draft: Draft): void {
    this.#queue.push(draft)
    void this.#drain()
  }

  /** The connection is there: what waits goes out. */
  open(): void {
    this.#open = true
    this.#failures = 0
    void this.#drain()
  }

  /** The connection is gone: what waits keeps waiting. */
  close(): void {
    this.#open = false
  }

  /** Forgets what waits: the session has ended. */
  clear(): void {
    this.#queue.length = 0
    this.#open = false
  }

  async #drain(): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    for (let draft = this.#queue[0]; this.#open && draft !== undefined; draft = this.#queue[0]) {
      await this.#deliver(draft)
    }
    this.#busy = false
  }

  async #deliver(draft: Draft): Promise<void> {
    try {
      const posted = await this.post.send(draft)
      this.#settle(draft)
      this.post.sent(draft, posted)
    } catch (error) {
      if (error instanceof RpcError && error.temporary) {
        await this.post.wait(error.retryAfter ?? this.#nextWait())
        return
      }
      this.#settle(draft)
      this.post.refused(draft, error instanceof RpcError ? error : UNREADABLE)
    }
  }

  #settle(draft: Draft): void {
    if (this.#queue[0] === draft) this.#queue.shift()
    this.#failures = 0
  }

  #nextWait(): number {
    this.#failures += 1
    return Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (this.#failures - 1))
  }
}
