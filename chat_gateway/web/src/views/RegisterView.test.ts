// @vitest-environment happy-dom
import { afterEach, expect, test } from 'vitest'

import { grantMe } from '../../test/client'
import { Page, type Serve } from '../../test/page'
import { settled } from '../../test/settled'

const serve: Serve = (path, { name, email, password }) => {
  if (path !== '/auth/register') return Response.json({ code: 'session_expired' }, { status: 401 })
  if (name === 'Ann' && email === 'a@b.c' && password === 'long enough') return grantMe()
  return Response.json({ code: 'invalid_request', detail: 'Look again.', errors: { password: 'Too short.' } }, { status: 400 })
}

let page: Page | null = null
afterEach(() => page?.close())

async function register(path: string, password: string): Promise<Page> {
  page = new Page(path, serve)
  await page.fill('register-name', ' Ann ')
  await page.fill('register-email', 'a@b.c')
  await page.fill('register-password', password)
  await page.submit('register-submit')
  return page
}

test('a new account leads on to where the visit was going', async () => {
  const visitor = await register('/register?next=/rooms/lobby', 'long enough')
  await settled(() => visitor.path === '/rooms/lobby')
})

test('a refusal names the field and keeps what was written', async () => {
  const visitor = await register('/register', 'short')
  expect((await visitor.get('register-error')).textContent).toBe('Look again.')
  expect(await visitor.value('register-email')).toBe('a@b.c')
  expect(await visitor.value('register-password')).toBe('short')
  const field = await visitor.get('register-password')
  expect(field.getAttribute('aria-invalid')).toBe('true')
  expect(field.parentElement?.textContent).toContain('Too short.')
  await visitor.fill('register-password', 'long enough')
  await visitor.submit('register-submit')
  await settled(() => visitor.path === '/rooms/lobby')
})
