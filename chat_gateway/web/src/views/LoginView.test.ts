// @vitest-environment happy-dom
import { afterEach, expect, test } from 'vitest'

import { grantMe } from '../../test/client'
import { Page, type Serve } from '../../test/page'
import { settled } from '../../test/settled'

const serve: Serve = (path, { password }) => {
  if (path === '/auth/login' && password === 'right') return grantMe()
  if (path === '/auth/login' && password === 'often') {
    return Response.json({ code: 'too_many_attempts', retry_after: 8 }, { status: 429 })
  }
  if (path === '/auth/login') return Response.json({ code: 'bad_credentials' }, { status: 401 })
  return Response.json({ code: 'session_expired' }, { status: 401 })
}

let page: Page | null = null
afterEach(() => page?.close())

function visit(path: string): Page {
  page = new Page(path, serve)
  return page
}

test('a visit without a session goes to the log-in and comes back to where it was going', async () => {
  const visitor = visit('/rooms/lobby?at=7')
  await visitor.get('login-email')
  expect(visitor.path).toBe('/login?next=/rooms/lobby?at=7')
  await visitor.logIn('a@b.c', 'right')
  await settled(() => visitor.path === '/rooms/lobby?at=7')
})

test('a wrong password shows an error and keeps the e-mail', async () => {
  const visitor = visit('/login')
  await visitor.logIn('a@b.c', 'wrong')
  expect((await visitor.get('login-error')).textContent).toContain('password is wrong')
  expect(await visitor.value('login-email')).toBe('a@b.c')
  expect(await visitor.value('login-password')).toBe('')
})

test('a password that was not looked at need not be typed again', async () => {
  page = new Page('/login', () => Response.json({ code: 'busy', retry_after: 2 }, { status: 503 }))
  await page.logIn('a@b.c', 'right')
  await page.get('login-error')
  expect(await page.value('login-password')).toBe('right')
})

test('the outcome of a form posted without script is read from the fragment', async () => {
  const visitor = visit('/login?next=//evil.example#error=bad_credentials&email=a%2Bx%40b.c')
  expect((await visitor.get('login-error')).textContent).toContain('password is wrong')
  expect(await visitor.value('login-email')).toBe('a+x@b.c')
  await settled(() => visitor.path === '/login?next=//evil.example')
  const form = (await visitor.get('login-submit')).closest('form')
  expect(form?.getAttribute('action')).toBe('/auth/login')
  expect(form?.querySelector<HTMLInputElement>('[name=next]')?.value).toBe('/')
})

test('after too many attempts the wait is said, and that of a form posted without script too', async () => {
  const visitor = visit('/login')
  await visitor.logIn('a@b.c', 'often')
  expect((await visitor.get('login-error')).textContent).toMatch(/Too many attempts.*8 seconds/s)
  visitor.close()
  expect((await visit('/login#error=too_many_attempts').get('login-error')).textContent).toContain('Please wait')
})
