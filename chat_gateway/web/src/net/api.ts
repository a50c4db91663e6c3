// The auth service over HTTP. Holds the access token, in memory only; the refresh token is a
// cookie no script can read. One refresh at a time, every failure an ApiError.

import { ApiError } from '../core/errors'
import { decodePerson, type Person } from '../core/wire'

export interface Grant {
  readonly token: string
  readonly user: Person
}

interface Held extends Grant {
  readonly goodUntil: number
}

/** A token about to expire is not worth a connect. */
const MARGIN_MS = 30_000

export class Api {
  #held: Held | null = null
  #refreshing: Promise<Grant> | null = null

  constructor(
    private readonly fetch: typeof globalThis.fetch,
    private readonly now: () => number,
  ) {}

  login(email: string, password: string): Promise<Grant> {
    return this.#enter('/auth/login', { email, password })
  }

  register(name: string, email: string, password: string): Promise<Grant> {
    return this.#enter('/auth/register', { name, email, password })
  }

  async logout(): Promise<void> {
    this.#held = null
    await this.#send('/auth/logout', {})
  }

  /** A new grant for the cookie; callers who come while one is under way share it. */
  refresh(): Promise<Grant> {
    this.#refreshing ??= this.#enter('/auth/token', {}).finally(() => {
      this.#refreshing = null
    })
    return this.#refreshing
  }

  /** A token nobody has used yet: the held one once, then a new one for each call. */
  async unusedToken(): Promise<string> {
    const held = this.#held
    const grant = held !== null && this.now() < held.goodUntil ? held : await this.refresh()
    this.#held = null
    return grant.token
  }

  async #enter(path: string, body: object): Promise<Grant> {
    const answer = await this.#send(path, body)
    const { access_token: token, expires_in: lifetime, user } = answer
    if (typeof token !== 'string' || typeof lifetime !== 'number') throw new ApiError(200, 'internal')
    this.#held = { token, user: decodePerson(user), goodUntil: this.now() + lifetime * 1000 - MARGIN_MS }
    return this.#held
  }

  async #send(path: string, body: object): Promise<Readonly<Record<string, unknown>>> {
    let response: Response
    try {
      response = await this.fetch(path, {
        method: 'POST',
        credentials: 'same-origin',
        cache: 'no-store',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify(body),
      })
    } catch {
      throw new ApiError(0, 'unreachable')
    }
    const answer = await readObject(response)
    if (!response.ok) throw problem(response.status, answer)
    return answer
  }
}

async function readObject(response: Response): Promise<Readonly<Record<string, unknown>>> {
  try {
    const answer: unknown = await response.json()
    return typeof answer === 'object' && answer !== null ? (answer as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function problem(status: number, body: Readonly<Record<string, unknown>>): ApiError {
  const fallback = status >= 502 ? 'unreachable' : 'internal'
  const code = typeof body.code === 'string' ? body.code : fallback
  const detail = typeof body.detail === 'string' ? body.detail : ''
  const wait = typeof body.retry_after === 'number' ? body.retry_after : null
  return new ApiError(status, code, detail, wait, fieldErrors(body.errors))
}

/** Field errors come as {field: sentence}, or as a list of {field, message|detail}. */
function fieldErrors(errors: unknown): Record<string, string> {
  if (typeof errors !== 'object' || errors === null) return {}
  const pairs: [unknown, unknown][] = Array.isArray(errors) ? errors.map(fieldError) : Object.entries(errors)
  return Object.fromEntries(pairs.filter((pair): pair is [string, string] => pair.every((part) => typeof part === 'string')))
}

function fieldError(error: unknown): [unknown, unknown] {
  if (typeof error !== 'object' || error === null) return [null, null]
  const { field, message, detail } = error as Record<string, unknown>
  return [field, message ?? detail]
}
