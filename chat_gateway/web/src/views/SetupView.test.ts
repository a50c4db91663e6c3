// @vitest-environment happy-dom
import { afterEach, expect, test } from 'vitest'

import { grantMe } from '../../test/client'
import { Page, type Serve } from '../../test/page'
import { settled } from '../../test/settled'

const serve: Serve = (path, { token }) => {
  if (path === '/auth/setup' && token === 'good') return grantMe()
  if (path === '/auth/setup') return Response.json({ code: 'link_invalid' }, { status: 403 })
  return Response.json({ code: 'session_expired' }, { status: 401 })
}

let page: Page | null = null
afterEach(() => page?.close())

async function setUp(path: string): Promise<Page> {
  page = new Page(path, serve)
  await page.fill('setup-name', 'Ann')
  await page.fill('setup-email', 'a@b.c')
  await page.fill('setup-password', 'long enough')
  await page.submit('setup-submit')
  return page
}

test('the set-up link makes an account and leads into the chat', async () => {
  const visitor = await setUp('/setup#token=good')
  await settled(() => visitor.path === '/rooms/lobby')
  expect(document.title).toContain('Parley')
})

test('a link that was used says so', async () => {
  const visitor = await setUp('/setup#token=used')
  expect((await visitor.get('setup-error')).textContent).toContain('link is not valid')
  expect(location.hash).toBe('')
})

test('without the link there is no form, but where to find it', async () => {
  page = new Page('/setup', serve)
  expect((await page.get('setup-how')).textContent).toContain('setup-link')
  expect(page.find('setup-form')).toBeNull()
})
