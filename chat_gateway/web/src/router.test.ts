// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, test } from 'vitest'

import { grantMe } from '../test/client'
import { Page } from '../test/page'
import { settled } from '../test/settled'

let calls: string[] = []
let isIn = true
let page: Page | null = null
beforeEach(() => {
  calls = []
  isIn = true
})
afterEach(() => page?.close())

function visit(path: string): Page {
  page = new Page(path, (to) => {
    calls.push(to)
    if (to === '/auth/site') return Response.json({ registration: 'open' })
    if (to === '/auth/logout') isIn = false
    if (to === '/auth/logout' || to === '/auth/password/reset') return new Response(null, { status: 204 })
    return isIn ? grantMe() : Response.json({ code: 'session_expired' }, { status: 401 })
  })
  return page
}

test.each(['/login', '/register', '/setup', '/reset'])('who is logged in goes from %s to the chat', async (path) => {
  const visitor = visit(path)
  await settled(() => visitor.path === '/rooms/lobby')
})

test('who is logged in goes on to where the log-in would lead, on this site only', async () => {
  const visitor = visit('/login?next=/settings')
  await settled(() => visitor.path === '/settings')
  visitor.close()
  const other = visit('/login?next=//evil.example')
  await settled(() => other.path === '/rooms/lobby')
})

test.each(['register', 'setup', 'reset'])('a link to /%s says as whom one is logged in, and works after a log-out', async (name) => {
  const visitor = visit(`/${name}#token=good`)
  const note = await visitor.get('member-note')
  expect(note.textContent).toContain('logged in as Me')
  expect(visitor.find(`${name}-form`)).toBeNull()
  ;(await visitor.get('member-logout')).click()
  await visitor.get(`${name}-form`)
  expect(calls).toContain('/auth/logout')
  expect(visitor.path).toBe(`/${name}`)
})

test('a link that is not meant for who is logged in is left for the chat', async () => {
  const visitor = visit('/register#token=good')
  ;(await visitor.get('member-on')).click()
  await settled(() => visitor.path === '/rooms/lobby')
  expect(calls).not.toContain('/auth/logout')
})

test('who is not logged in stays on the page asked for', async () => {
  isIn = false
  const visitor = visit('/reset#token=good')
  await visitor.get('reset-form')
  expect(visitor.find('member-note')).toBeNull()
})
