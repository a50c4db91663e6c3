import { expect, test } from 'vitest'

import { decodeAccount, decodeOffer, decodeRegistration, decodeSessions } from './account'
import { WireError } from './fields'

const USER = { id: 'u', name: 'Ann', email: 'a@b.c', picture: '', profile: {}, role: 'administrator' }

test('an account is read; a role that is not known gives no rights', () => {
  expect(decodeAccount(USER)).toEqual({ id: 'u', name: 'Ann', email: 'a@b.c', picture: '', role: 'administrator' })
  expect(decodeAccount({ ...USER, role: 'emperor' }).role).toBe('member')
  expect(() => decodeAccount({ ...USER, email: 7 })).toThrow(WireError)
})

test('sessions are read, only the one that says so is the current one', () => {
  const sent = { id: 's', user_agent: 'curl/8', network: '10.0.0.0/24', started_at: 1, last_used_at: 2 }
  const [first, second] = decodeSessions({ sessions: [{ ...sent, is_current: true }, sent] })
  expect(first).toEqual({
    id: 's',
    userAgent: 'curl/8',
    network: '10.0.0.0/24',
    startedAt: 1,
    lastUsedAt: 2,
    isCurrent: true,
  })
  expect(second?.isCurrent).toBe(false)
  expect(() => decodeSessions({})).toThrow(WireError)
})

test('an offer is a link and when it ends', () => {
  expect(decodeOffer({ link: 'https://x/register#token=t', expires_at: 7 })).toEqual({
    link: 'https://x/register#token=t',
    expiresAt: 7,
  })
})

test.each([
  ['open', 'open'],
  ['invitation', 'invitation'],
  ['closed', 'closed'],
  ['by lottery', 'closed'],
])('registration %s is %s to this client', (registration, expected) => {
  expect(decodeRegistration({ registration })).toBe(expected)
})
