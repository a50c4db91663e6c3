import { expect, test } from 'vitest'

import { ApiError } from '../core/errors'
import { Api } from './api'

const GRANT = { access_token: 't1', token_type: 'Bearer', expires_in: 600, user: { id: 'u', email: 'e', name: 'U' } }

interface Sent {
  readonly path: string
  readonly body: unknown
}

/** An Api whose server gives these answers, one after another. */
function apiWith(...answers: (Response | Error)[]) {
  const sent: Sent[] = []
  const clock = { now: 0 }
  const api = new Api(
    (input, init) => {
      sent.push({ path: input as string, body: JSON.parse(init?.body as string) as unknown })
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
  expect(sent.map(({ path }) => path)).toEqual(['/auth/login', '/auth/token', '/auth/token'])
})

test('a token that lay about until it expired is not given out', async () => {
  const { api, clock } = apiWith(grant('old'), grant('new'))
  await api.register('A', 'a@b.c', 'secret')
  clock.now = 590_000
  expect(await api.unusedToken()).toBe('new')
})

test('a log-out forgets the token', async () => {
  const { api, sent } = apiWith(grant('old'), new Response(null, { status: 204 }), grant('new'))
  await api.login('a@b.c', 'secret')
  await api.logout()
  expect(await api.unusedToken()).toBe('new')
  expect(sent[1]?.path).toBe('/auth/logout')
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
  expect((await failure(api.register('', '', ''))).fields).toEqual({ name: 'Too long.' })
})

test('an answer that is not ours is still an error one can read', async () => {
  const { api } = apiWith(new Response('<html>', { status: 502 }), new Response('[]', { status: 500 }), Response.json({}))
  expect((await failure(api.refresh())).code).toBe('unreachable')
  expect((await failure(api.refresh())).code).toBe('internal')
  expect((await failure(api.refresh())).code).toBe('internal')
})
