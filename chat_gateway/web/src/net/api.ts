// Ways into the auth service, and the access token they give. The token is held in memory only; the
// refresh token is a cookie no script can read. One refresh at a time.

import { decodeRegistration, type Registration } from '../core/account'
import { ApiError } from '../core/errors'
import { decodePerson, type Person } from '../core/wire'
import { request, type Answer, type Method } from './requests'

export interface Grant {
  readonly token: string
  readonly user: Person
}

export interface NewAccount {
  readonly name: string
  readonly email: string
  readonly password: string
}

interface Held extends Grant {
  readonly goodUntil: number
}

/** A token about to expire is not worth a request. */
const MARGIN_MS = 30_000
const TOKEN_REFUSED = ['token_expired', 'invalid_token']

export class Api {
  #held: Held | null = null
  /** The held token has gone to a gateway: if that asks again, it wants another. */
  #used = false
  #refreshing: Promise<Grant> | null = null

  constructor(
    private readonly fetch: typeof globalThis.fetch,
    private readonly now: () => number,
  ) {}

  login(email: string, password: string): Promise<Grant> {
    return this.#enter('/auth/login', { email, password })
  }

  register(account: NewAccount, invitation?: string): Promise<Grant> {
    return this.#enter('/auth/register', { ...account, ...(invitation !== undefined && { invitation }) })
  }

  /** The first administrator, by a set-up link. */
  setUp(account: NewAccount, token: string): Promise<Grant> {
    return this.#enter('/auth/setup', { ...account, token })
  }

  async resetPassword(token: string, password: string): Promise<void> {
    await this.#send('POST', '/auth/password/reset', { token, password })
  }

  async registration(): Promise<Registration> {
    return decodeRegistration(await this.#send('GET', '/auth/site'))
  }

  async logout(): Promise<void> {
    this.forget()
    await this.#send('POST', '/auth/logout', {})
  }

  forget(): void {
    this.#held = null
  }

  /** A new grant for the cookie; callers who come while one is under way share it. */
  refresh(): Promise<Grant> {
    this.#refreshing ??= this.#enter('/auth/token', {}).finally(() => {
      this.#refreshing = null
    })
    return this.#refreshing
  }

  /** A token no gateway has seen yet: the held one once, then a new one for each call. */
  async unusedToken(): Promise<string> {
    const token = this.#used ? (await this.refresh()).token : await this.#token()
    this.#used = true
    return token
  }

  /** A request by the access token; one that is refused as too old is renewed once. */
  async authorised(method: Method, path: string, body?: object): Promise<Answer> {
    const token = await this.#token()
    try {
      return await this.#send(method, path, body, token)
    } catch (error) {
      if (!(error instanceof ApiError) || !TOKEN_REFUSED.includes(error.code)) throw error
      return await this.#send(method, path, body, (await this.refresh()).token)
    }
  }

  async #token(): Promise<string> {
    const held = this.#held
    const grant = held !== null && this.now() < held.goodUntil ? held : await this.refresh()
    return grant.token
  }

  async #enter(path: string, body: object): Promise<Grant> {
    const answer = await this.#send('POST', path, body)
    const { access_token: token, expires_in: lifetime, user } = answer
    if (typeof token !== 'string' || typeof lifetime !== 'number') throw new ApiError(200, 'internal')
    this.#held = { token, user: decodePerson(user), goodUntil: this.now() + lifetime * 1000 - MARGIN_MS }
    this.#used = false
    return this.#held
  }

  #send(method: Method, path: string, body?: object, token?: string): Promise<Answer> {
    return request(this.fetch, {
      method,
      path,
      ...(body !== undefined && { body }),
      ...(token !== undefined && { token }),
    })
  }
}
