// @vitest-environment happy-dom
import { afterEach, expect, test } from 'vitest'

import { Page, type Serve } from '../../test/page'
import { settled } from '../../test/settled'

const serve: Serve = (path, { token, password }) => {
  if (path !== '/auth/password/reset') return Response.json({ code: 'session_expired' }, { status: 401 })
  if (token !== 'good') return Response.json({ code: 'link_invalid' }, { status: 403 })
  if (password === 'long enough') return new Response(null, { status: 204 })
  const errors = { password: 'needs 8 characters or more' }
  return Response.json({ code: 'password_too_short', errors }, { status: 400 })
}

let page: Page | null = null
afterEach(() => page?.close())

async function reset(path: string, password: string): Promise<Page> {
  page = new Page(path, serve)
  await page.fill('reset-password', password)
  await page.submit('reset-submit')
  return page
}

test('a new password leads to the log-in, and to nowhere else', async () => {
  const visitor = await reset('/reset#token=good', 'long enough')
  const done = await visitor.get('reset-end')
  await settled(() => document.activeElement === done)
  expect(visitor.find('reset-form')).toBeNull()
  done.querySelector('a')?.click()
  await visitor.get('login-email')
  expect(visitor.path).toBe('/login')
})

test('a password that is refused can be chosen again by the same link', async () => {
  const visitor = await reset('/reset#token=good', 'short')
  const box = await visitor.marked('reset-password')
  expect(box.note).toBe('The password is too short. Use at least 8 characters.')
  expect(visitor.find('reset-error')).toBeNull()
  await visitor.fill('reset-password', 'long enough')
  await visitor.submit('reset-submit')
  await visitor.get('reset-end')
})

test('a link that was used says so', async () => {
  const visitor = await reset('/reset#token=used', 'long enough')
  expect((await visitor.get('reset-error')).textContent).toContain('link is not valid')
})

test('without a link there is no form, but how to get one', async () => {
  page = new Page('/reset', serve)
  expect((await page.get('reset-how')).textContent).toContain('administrator')
  expect(page.find('reset-form')).toBeNull()
})
