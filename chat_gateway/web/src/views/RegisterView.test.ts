// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, test } from 'vitest'

import { grantMe } from '../../test/client'
import { Page, type Serve } from '../../test/page'
import { settled } from '../../test/settled'

let registration = 'open'
let asked: Record<string, unknown>[] = []
const serve: Serve = (path, body) => {
  const { name, email, password, invitation } = body
  if (path === '/auth/site') return Response.json({ registration })
  if (path === '/auth/register') asked.push(body)
  if (invitation === 'used') return Response.json({ code: 'link_invalid' }, { status: 403 })
  if (path !== '/auth/register') return Response.json({ code: 'session_expired' }, { status: 401 })
  if (name === 'Ann' && email === 'a@b.c' && password === 'long enough') return grantMe()
  return Response.json({ code: 'invalid_request', detail: 'Look again.', errors: { password: 'Too short.' } }, { status: 400 })
}

let page: Page | null = null
beforeEach(() => {
  registration = 'open'
  asked = []
})
afterEach(() => page?.close())

function visit(path: string): Page {
  page = new Page(path, serve)
  return page
}

async function register(path: string, password: string): Promise<Page> {
  const page = visit(path)
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
  const box = await visitor.marked('register-password')
  expect(box.note).toBe('Too short.')
  expect(visitor.find('register-error')).toBeNull()
  expect(await visitor.value('register-email')).toBe('a@b.c')
  expect(await visitor.value('register-password')).toBe('short')
  await visitor.fill('register-password', 'long enough')
  await visitor.submit('register-submit')
  await settled(() => visitor.path === '/rooms/lobby')
})

test('where an invitation is needed, one without a link is told how to get in', async () => {
  registration = 'invitation'
  const visitor = visit('/register')
  expect((await visitor.get('register-how')).textContent).toContain('link')
  expect((await visitor.get('register')).textContent).toContain('needs an invitation')
  expect(visitor.find('register-form')).toBeNull()
})

test('where nobody may register a link does not help', async () => {
  registration = 'closed'
  const visitor = visit('/register#token=good')
  await settled(() => visitor.find('register')?.textContent.includes('Nobody can register') === true)
  expect(visitor.find('register-form')).toBeNull()
})

test.each(['open', 'invitation'])('where registration is %s, the token of a link goes with the account', async (how) => {
  registration = how
  const visitor = await register('/register?next=/rooms/lobby#token=good', 'long enough')
  await settled(() => visitor.path === '/rooms/lobby')
  expect(asked.find(({ name }) => name === 'Ann')).toMatchObject({ invitation: 'good' })
})

test('the token is out of the address before the page is there, and stays through a look at the log-in', async () => {
  registration = 'invitation'
  const visitor = visit('/register?next=/rooms/lobby#token=good')
  const form = await visitor.get('register-form')
  expect(location.href).not.toContain('good')
  expect(JSON.stringify(history.state)).not.toContain('good')
  expect(document.body.innerHTML).not.toContain('good')
  form.ownerDocument.querySelector<HTMLAnchorElement>('a[href^="/login"]')?.click()
  ;(await visitor.get('login-submit')).ownerDocument.querySelector<HTMLAnchorElement>('a[href^="/register"]')?.click()
  await visitor.get('register-form')
})

test('another link opened on the same page takes the place of the first', async () => {
  const visitor = visit('/register#token=used')
  await visitor.get('register-form')
  // What a browser does when only the fragment of the address is changed.
  history.pushState(null, '', '/register#token=good')
  window.dispatchEvent(new PopStateEvent('popstate', { state: null }))
  await settled(() => location.hash === '')
  await visitor.fill('register-name', 'Ann')
  await visitor.submit('register-submit')
  await settled(() => asked.length > 0)
  expect(asked[0]?.invitation).toBe('good')
})

test('a link that is not good any more says so, and keeps what was written', async () => {
  registration = 'invitation'
  const visitor = await register('/register#token=used', 'long enough')
  expect((await visitor.get('register-error')).textContent).toContain('link is not valid')
  expect(await visitor.value('register-email')).toBe('a@b.c')
  expect(visitor.find('register-without')).toBeNull()
})

test('where anybody may register, one whose link is not good goes on without it', async () => {
  const visitor = await register('/register?next=/rooms/lobby#token=used', 'long enough')
  expect((await visitor.get('register-error')).textContent).toContain('link is not valid')
  ;(await visitor.get('register-without')).click()
  await settled(() => visitor.path === '/rooms/lobby')
  expect(asked.map(({ invitation }) => invitation)).toEqual(['used', undefined])
})

test('a site that does not answer is asked again', async () => {
  registration = 'open'
  let isDown = true
  page = new Page('/register', (path, body, method) => {
    if (isDown) return Response.json({ code: 'store_unavailable' }, { status: 503 })
    return serve(path, body, method)
  })
  const again = await page.get('register-again')
  isDown = false
  again.click()
  await page.get('register-form')
})
