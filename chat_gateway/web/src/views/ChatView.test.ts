// @vitest-environment happy-dom
import { afterEach, expect, test } from 'vitest'

import { grantMe } from '../../test/client'
import { Gateway, ME, OTHER } from '../../test/gateway'
import { Page } from '../../test/page'
import { settled } from '../../test/settled'

let page: Page | null = null
afterEach(() => page?.close())

function visit(path: string, said: [string, string][] = []): Page {
  const gateway = new Gateway()
  for (const [author, body] of said) gateway.say(author, body)
  page = new Page(path, (to) => (to === '/auth/logout' ? new Response(null, { status: 204 }) : grantMe()), gateway)
  return page
}

function told(visitor: Page): string[] {
  return visitor.all('message-body').map((body) => body.textContent)
}

test('the front page leads to the lobby and shows what was said', async () => {
  const visitor = visit('/', [
    [ME, 'mine'],
    [OTHER, 'theirs'],
  ])
  await settled(() => told(visitor).length === 2)
  expect(visitor.path).toBe('/rooms/lobby')
  expect(visitor.all('message').map((message) => message.dataset.own)).toEqual(['true', 'false'])
  expect((await visitor.get('connection-state')).dataset.state).toBe('connected')
  expect(document.title).toBe('(2) Lobby · Parley')
})

test('text is shown as text, whatever it looks like', async () => {
  const visitor = visit('/', [[OTHER, '<img src=x onerror=alert(1)>']])
  await settled(() => told(visitor).length === 1)
  expect(told(visitor)).toEqual(['<img src=x onerror=alert(1)>'])
  expect((await visitor.get('message-body')).children).toHaveLength(0)
})

test('Enter sends, Shift and Enter do not, and neither does an input method', async () => {
  const visitor = visit('/')
  await visitor.fill('composer-input', 'hello')
  await visitor.press('composer-input', 'Enter', { shiftKey: true })
  await visitor.press('composer-input', 'Enter', { isComposing: true })
  expect(visitor.gateway.calls).not.toContain('message.post')
  await visitor.press('composer-input', 'Enter')
  await settled(() => visitor.find('message')?.dataset.state === 'sent')
  expect(told(visitor)).toEqual(['hello'])
  expect(await visitor.value('composer-input')).toBe('')
})

test('a log-out leads to the log-in', async () => {
  const visitor = visit('/')
  const button = await visitor.get('logout')
  button.click()
  await visitor.get('login-email')
  expect(visitor.path).toBe('/login')
})
