// The connection to a gateway: npm `centrifuge`, its token, its server-side subscriptions, rpc.
// The library reconnects and recovers; what it calls terminal is told with a sentence, except
// a refused token and a forced end, which get one fresh try. After two failed connects it asks for less.
// Knows channels, not rooms.

import { Centrifuge, UnauthorizedError, type DisconnectedContext, type ErrorContext } from 'centrifuge'

import { ApiError, RpcError } from '../core/errors'
import { onlyPositions, rewritingConnect } from './positions'

/**
 * Where a channel stands when it is subscribed. If all that was missed follows, this is the
 * position asked for; if not (recovered = false), it is the head: what lies between is a gap.
 */
export interface Position {
  readonly offset: number
  readonly epoch: string
}

export interface Listener {
  connecting(): void
  connected(hello: unknown): void
  /** The connection ended for good; `expired` = log in again. */
  ended(reason: string, expired: boolean): void
  positioned(channel: string, position: Position): void
  published(channel: string, data: unknown, offset: number): void
  unsubscribed(channel: string): void
  /** Asked when connecting is hard: is the channel's past still worth its answer? */
  essential(channel: string): boolean
}

const TIMEOUT_MS = 15_000
const FAILURES_BEFORE_LESS = 2
const UNAUTHORIZED = 1
const CALLED_BY_US = 0
const TOKEN_REFUSED = [101, 109, 3500]
/** Closed on purpose, most often because the session was ended elsewhere: the auth service knows. */
const SENT_AWAY = 3503

const REASONS: Readonly<Record<number, string>> = {
  3: 'The server sent more than this page can take.',
  3501: 'This page and the server do not understand each other. Load the page again.',
  3502: 'The server waited too long for this page.',
  3503: 'The server closed the connection.',
  3504: 'Too many connections are open. Close another tab first.',
  3505: 'You are in too many rooms for one connection.',
  3507: 'You may not connect.',
  3508: 'The server does not offer this.',
  3509: 'This page made too many mistakes. Load it again.',
}

export class Realtime {
  readonly #client: Centrifuge
  #freshTry = false
  #failures = 0

  constructor(
    endpoint: string,
    private readonly token: () => Promise<string>,
    private readonly listener: Listener,
    websocket: typeof WebSocket = WebSocket,
    network: EventTarget | null = null,
  ) {
    this.#client = new Centrifuge(endpoint, {
      getToken: () => this.#getToken(),
      timeout: TIMEOUT_MS,
      name: 'parley-web',
      websocket: rewritingConnect(websocket, (connect) => this.#bounded(connect)),
      networkEventTarget: network,
    })
    this.#listen()
  }

  connect(): void {
    this.#client.connect()
  }

  disconnect(): void {
    this.#client.disconnect()
  }

  async rpc(method: string, data: object): Promise<unknown> {
    try {
      const reply = await this.#client.rpc(method, data)
      return reply.data as unknown
    } catch (error) {
      throw rpcError(error)
    }
  }

  async #getToken(): Promise<string> {
    try {
      return await this.token()
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) throw new UnauthorizedError('session expired')
      throw error // the library waits and asks again
    }
  }

  #bounded(connect: string): string {
    if (this.#failures < FAILURES_BEFORE_LESS) return connect
    return onlyPositions(connect, (channel) => this.listener.essential(channel))
  }

  #listen(): void {
    const { listener } = this
    this.#client
      .on('connecting', () => listener.connecting())
      .on('connected', ({ data }) => {
        this.#freshTry = false
        this.#failures = 0
        listener.connected(data as unknown)
      })
      .on('error', (context) => this.#failed(context))
      .on('disconnected', (context) => this.#ended(context))
      .on('subscribed', ({ channel, streamPosition }) => {
        const { offset = 0, epoch = '' } = streamPosition ?? {}
        listener.positioned(channel, { offset, epoch })
      })
      .on('publication', ({ channel, data, offset = 0 }) => listener.published(channel, data as unknown, offset))
      .on('unsubscribed', ({ channel }) => listener.unsubscribed(channel))
  }

  #failed({ type }: ErrorContext): void {
    if (type === 'transport' || type === 'connect') this.#failures += 1
  }

  #ended({ code }: DisconnectedContext): void {
    if (code === CALLED_BY_US) return
    if ((TOKEN_REFUSED.includes(code) || code === SENT_AWAY) && !this.#freshTry) {
      this.#freshTry = true
      this.#client.setToken('')
      this.#client.connect()
      return
    }
    const expired = code === UNAUTHORIZED || TOKEN_REFUSED.includes(code)
    this.listener.ended(REASONS[code] ?? `The server closed the connection (${code}).`, expired)
  }
}

function rpcError(error: unknown): RpcError {
  const { code, message, temporary } = Object(error) as Partial<Record<string, unknown>>
  return RpcError.of(
    typeof code === 'number' ? code : 100,
    typeof message === 'string' ? message : 'internal',
    temporary === true,
  )
}
