import { expect, test } from 'vitest'

import { ApiError } from '../core/errors'
import { Api } from './api'

const GRANT = { access_token: 't1', token_type: 'Bearer', expires_in: 600, user: { id: 'u', email: 'e', name: 'U' } }

interface Sent {
  readonly path: string
  readonly body: unknown
  readonly token: string | undefined
}

/** An Api whose server gives these answers, one after another. */
function apiWith(...answers: (Response | Error)[]) {
  const sent: Sent[] = []
  const clock = { now: 0 }
  const api = new Api(
    (input, init) => {
      const { authorization } = init?.headers as Record<string, string>
      const body: unknown = init?.body === undefined ? undefined : JSON.parse(init.body as string)
      sent.push({ path: `${init?.method} ${input as string}`, body, token: authorization })
      const answer = answers.shift() ?? new Error('nobody answers')
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
    },
    () => clock.now,
  )
  return { api, sent, clock }
}

function grant(token = 't1'): Response {
  return Response.json({ ...GRANT, access_token: token })
}

async function failure(promise: Promise<unknown>): Promise<ApiError> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  if (!(error instanceof ApiError)) throw new Error('an ApiError was expected')
  return error
}

test('callers who ask for a refresh together share one', async () => {
  const { api, sent } = apiWith(grant(), grant('t2'))
  const [one, two] = await Promise.all([api.refresh(), api.refresh()])
  expect(one).toBe(two)
  expect(sent).toHaveLength(1)
  expect((await api.refresh()).token).toBe('t2')
})

test('a failed refresh does not stand in the way of the next', async () => {
  const { api } = apiWith(new Error('offline'), grant())
  expect(await failure(api.refresh())).toMatchObject({ status: 0, code: 'unreachable' })
  expect((await api.refresh()).token).toBe('t1')
})

test('the token of a log-in is given out once, then each call gets a new one', async () => {
  const { api, sent } = apiWith(grant('t1'), grant('t2'), grant('t3'))
  await api.login('a@b.c', 'secret')
  expect([await api.unusedToken(), await api.unusedToken(), await api.unusedToken()]).toEqual(['t1', 't2', 't3'])
  expect(sent.map(({ path }) => path)).toEqual(['POST /auth/login', 'POST /auth/token', 'POST /auth/token'])
})

test('a token that lay about until it expired is not given out', async () => {
  const { api, clock } = apiWith(grant('old'), grant('new'))
  await api.register({ name: 'A', email: 'a@b.c', password: 'secret' })
  clock.now = 590_000
  expect(await api.unusedToken()).toBe('new')
})

test('a log-out forgets the token', async () => {
  const { api, sent } = apiWith(grant('old'), new Response(null, { status: 204 }), grant('new'))
  await api.login('a@b.c', 'secret')
  await api.logout()
  expect(await api.unusedToken()).toBe('new')
  expect(sent[1]?.path).toBe('POST /auth/logout')
})

test('a request by the token uses it as long as it is good, whoever else has seen it', async () => {
  const { api, sent, clock } = apiWith(grant('t1'), Response.json({}), Response.json({}), grant('t2'), Response.json({}))
  await api.login('a@b.c', 'secret')
  await api.unusedToken()
  await api.authorised('GET', '/auth/me')
  await api.authorised('DELETE', '/auth/me', { password: 'x' })
  clock.now = 590_000
  await api.authorised('GET', '/auth/me')
  expect(sent.slice(1)).toEqual([
    { path: 'GET /auth/me', body: undefined, token: 'Bearer t1' },
    { path: 'DELETE /auth/me', body: { password: 'x' }, token: 'Bearer t1' },
    { path: 'POST /auth/token', body: {}, token: undefined },
    { path: 'GET /auth/me', body: undefined, token: 'Bearer t2' },
  ])
})

test('a token fetched for a request is still one that no gateway has seen', async () => {
  const { api } = apiWith(grant('t1'), Response.json({}), grant('t2'))
  await api.authorised('GET', '/auth/me')
  expect([await api.unusedToken(), await api.unusedToken()]).toEqual(['t1', 't2'])
})

test('a token refused as too old is renewed, once', async () => {
  const old = () => Response.json({ code: 'token_expired' }, { status: 401 })
  const { api, sent } = apiWith(grant('t1'), old(), grant('t2'), Response.json({ id: 'u' }), old(), grant('t3'), old())
  await api.refresh()
  expect(await api.authorised('GET', '/auth/me')).toEqual({ id: 'u' })
  expect((await failure(api.authorised('GET', '/auth/me'))).code).toBe('token_expired')
  expect(sent.map(({ token }) => token).filter(Boolean)).toEqual(['Bearer t1', 'Bearer t2', 'Bearer t2', 'Bearer t3'])
})

test('a session that has ended is not asked for twice', async () => {
  const { api, sent } = apiWith(grant(), Response.json({ code: 'session_expired' }, { status: 401 }))
  expect((await failure(api.authorised('GET', '/auth/me'))).code).toBe('session_expired')
  expect(sent).toHaveLength(2)
})

test('a link lets one in with its token in the body, never in the address', async () => {
  const account = { name: 'A', email: 'a@b.c', password: 'secret' }
  const { api, sent } = apiWith(grant(), grant(), new Response(null, { status: 204 }))
  await api.register(account, 'i')
  await api.setUp(account, 's')
  await api.resetPassword('r', 'secret')
  expect(sent.map(({ path, body }) => [path, body])).toEqual([
    ['POST /auth/register', { ...account, invitation: 'i' }],
    ['POST /auth/setup', { ...account, token: 's' }],
    ['POST /auth/password/reset', { token: 'r', password: 'secret' }],
  ])
})

test('a problem document becomes an error with code, wait and fields', async () => {
  const problem = { code: 'rate_limited', detail: 'Slow down.', retry_after: 4, errors: { email: 'Not an address.' } }
  const { api } = apiWith(Response.json(problem, { status: 429 }))
  expect(await failure(api.login('a', 'b'))).toMatchObject({
    status: 429,
    code: 'rate_limited',
    retryAfter: 4,
    fields: { email: 'Not an address.' },
  })
})

test('field errors may come as a list', async () => {
  const errors = [{ field: 'name', message: 'Too long.' }, 'noise', { field: 'x' }]
  const { api } = apiWith(Response.json({ code: 'invalid_request', errors }, { status: 400 }))
  expect((await failure(api.register({ name: '', email: '', password: '' }))).fields).toEqual({ name: 'Too long.' })
})

test('an answer that is not ours is still an error one can read', async () => {
  const { api } = apiWith(new Response('<html>', { status: 502 }), new Response('[]', { status: 500 }), Response.json({}))
  expect((await failure(api.refresh())).code).toBe('unreachable')
  expect((await failure(api.refresh())).code).toBe('internal')
  expect((await failure(api.refresh())).code).toBe('internal')
})
