import { expect, test } from 'vitest'

import { clientOf, grantMe, type Answer } from '../../test/client'
import { Gateway, ME } from '../../test/gateway'
import { settled } from '../../test/settled'

function sessionWith(answer: Answer) {
  return clientOf(new Gateway(), answer)
}

function refused(status: number, code: string): Response {
  return Response.json({ code }, { status })
}

test('a cookie makes a member, none a guest', async () => {
  const { session } = sessionWith(grantMe)
  expect(await session.ensure()).toBe('member')
  expect(session.user?.id).toBe(ME)
  expect(await sessionWith(() => refused(401, 'session_expired')).session.ensure()).toBe('guest')
})

test('a server that cannot be reached leaves it open, and is asked again', async () => {
  const answers = [refused(503, 'store_unavailable'), grantMe()]
  const { session } = sessionWith(() => answers.shift() ?? grantMe())
  expect(await session.ensure()).toBe('unknown')
  expect(await session.ensure()).toBe('member')
})

test('a log-out the server did not hear of is no log-out', async () => {
  const { session } = sessionWith((path) => (path === '/auth/logout' ? refused(503, 'internal') : grantMe()))
  await session.login('a@b.c', 'secret')
  await expect(session.logout()).rejects.toThrow()
  expect(session.state).toBe('member')
})

test('a log-out by choice is told apart from a session that ended', async () => {
  const { session } = sessionWith((path) => (path === '/auth/logout' ? new Response(null, { status: 204 }) : grantMe()))
  await session.register({ name: 'A', email: 'a@b.c', password: 'secret' })
  await session.logout()
  expect(session).toMatchObject({ state: 'guest', leftByChoice: true, user: null })
  await session.login('a@b.c', 'secret')
  session.lose()
  expect(session).toMatchObject({ state: 'guest', leftByChoice: false })
})

test('a session found over when the connection wants a token makes a guest', async () => {
  const { session, connection } = sessionWith(() => refused(401, 'session_expired'))
  connection.start()
  await settled(() => session.state === 'guest')
  expect(connection.state).toBe('connecting')
})
