// What the auth service says of one's own account, decoded into our own types. Does no I/O.

import { fields, list, number, text } from './fields'
import { decodePerson, type Person } from './wire'

export interface Account extends Person {
  readonly email: string
  /** An https address, or empty. */
  readonly picture: string
  readonly role: 'administrator' | 'member'
}

/** A log-in that still lives, somewhere. */
export interface Session {
  readonly id: string
  readonly userAgent: string
  readonly network: string
  readonly startedAt: number
  readonly lastUsedAt: number
  readonly isCurrent: boolean
}

/** A one-time link, to be had this once. */
export interface Offer {
  readonly link: string
  readonly expiresAt: number
}

export type Registration = 'open' | 'invitation' | 'closed'

export function decodeAccount(data: unknown): Account {
  const from = fields(data)
  return {
    ...decodePerson(data),
    email: text(from, 'email'),
    picture: text(from, 'picture', ''),
    role: from.role === 'administrator' ? 'administrator' : 'member',
  }
}

export function decodeSessions(data: unknown): Session[] {
  return list(fields(data), 'sessions', decodeSession)
}

function decodeSession(data: unknown): Session {
  const from = fields(data)
  return {
    id: text(from, 'id'),
    userAgent: text(from, 'user_agent', ''),
    network: text(from, 'network', ''),
    startedAt: number(from, 'started_at'),
    lastUsedAt: number(from, 'last_used_at'),
    isCurrent: from.is_current === true,
  }
}

export function decodeOffer(data: unknown): Offer {
  const from = fields(data)
  return { link: text(from, 'link'), expiresAt: number(from, 'expires_at') }
}

/** What this version does not know counts as closed: it has no form for it. */
export function decodeRegistration(data: unknown): Registration {
  const { registration } = fields(data)
  return registration === 'open' || registration === 'invitation' ? registration : 'closed'
}
