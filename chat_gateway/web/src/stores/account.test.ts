import { expect, test } from 'vitest'

import { grantMe, clientOf, type Answer } from '../../test/client'
import { Gateway, ME } from '../../test/gateway'
import { settled } from '../../test/settled'

const MINE = { id: ME, name: 'Me', email: 'me@b.c', picture: '', profile: {}, role: 'member' }
const SESSION = { user_agent: 'curl/8', network: '', started_at: 1, last_used_at: 2 }

/** An auth service with two sessions of mine; `over` answers first, if it wants to. */
function accountWith(over: (path: string, method: string) => Response | null = () => null) {
  const calls: string[] = []
  const sessions = new Set(['here', 'there'])
  const answer: Answer = (path, method) => {
    const call = `${method} ${path}`
    calls.push(call)
    if (path === '/auth/token') return grantMe()
    const refused = over(path, method)
    if (refused !== null) return refused
    if (call === 'GET /auth/me') return Response.json(MINE)
    if (call === 'PATCH /auth/me') return Response.json({ ...MINE, name: 'New' })
    if (call === 'DELETE /auth/sessions/there' || call === 'POST /auth/logout/others') sessions.delete('there')
    if (call !== 'GET /auth/sessions') return new Response(null, { status: 204 })
    return Response.json({ sessions: [...sessions].map((id) => ({ ...SESSION, id, is_current: id === 'here' })) })
  }
  return { ...clientOf(new Gateway(), answer), calls, sessions }
}

function refusal(status: number, code: string): Response {
  return Response.json({ code }, { status })
}

test('account and sessions are loaded', async () => {
  const { account } = accountWith()
  await account.load()
  expect(account.account).toMatchObject({ email: 'me@b.c', role: 'member' })
  expect(account.sessions.map(({ id }) => id)).toEqual(['here', 'there'])
})

test('a new name is known at once wherever names are shown', async () => {
  const { account, session, people } = accountWith()
  await account.edit('New', '')
  expect([account.account?.name, session.user?.name, people.name(ME)]).toEqual(['New', 'New', 'New'])
})

test('after what ends other sessions the list is read again', async () => {
  const one = accountWith()
  await one.account.load()
  await one.account.endSession('there')
  expect(one.account.sessions.map(({ id }) => id)).toEqual(['here'])
  const all = accountWith()
  await all.account.endOtherSessions()
  expect(all.account.sessions.map(({ id }) => id)).toEqual(['here'])
  await all.account.changePassword('old', 'new')
  expect(all.calls.slice(-2)).toEqual(['POST /auth/password', 'GET /auth/sessions'])
})

test('a session that has ended already is no error, another refusal is', async () => {
  let answer = refusal(404, 'session_not_found')
  const { account } = accountWith((_path, method) => (method === 'DELETE' ? answer : null))
  await account.endSession('gone')
  expect(account.sessions).toHaveLength(2)
  answer = refusal(503, 'store_unavailable')
  await expect(account.endSession('there')).rejects.toThrow()
})

test.each(['endAllSessions', 'remove'] as const)('%s leaves nothing behind', async (name) => {
  const { account, session, connection, rooms } = accountWith()
  connection.start()
  await settled(() => rooms.loaded)
  await account.load()
  await account[name]('secret')
  expect(session).toMatchObject({ state: 'guest', leftByChoice: true, user: null })
  expect([account.account, account.sessions, rooms.list]).toEqual([null, [], []])
})

test('a wrong password ends nothing', async () => {
  const { account, session } = accountWith((_path, method) => (method === 'DELETE' ? refusal(403, 'wrong_password') : null))
  await account.load()
  await expect(account.remove('wrong')).rejects.toThrow('password is wrong')
  expect([session.state, account.account?.id]).toEqual(['unknown', ME])
})

test('a session found over ends here, and is no log-out by choice', async () => {
  const { account, session, connection, rooms } = accountWith(() => refusal(401, 'session_expired'))
  connection.start()
  await settled(() => rooms.loaded)
  await expect(account.load()).rejects.toThrow()
  expect(session).toMatchObject({ state: 'guest', leftByChoice: false })
  expect(rooms.list).toEqual([])
})

test('an invitation is for anybody, or for one address', async () => {
  const { account, calls } = accountWith((path) =>
    path === '/auth/invitations' ? Response.json({ link: 'l', expires_at: 7 }, { status: 201 }) : null,
  )
  expect(await account.invite('')).toEqual({ link: 'l', expiresAt: 7 })
  expect(calls.at(-1)).toBe('POST /auth/invitations')
})
