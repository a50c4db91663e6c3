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

test('what the gateway would not take is not sent, and how much is too much is counted', async () => {
  const visitor = visit('/')
  visitor.gateway.limits = { text_characters: 5, text_bytes: 100 }
  await visitor.fill('composer-input', 'seven..')
  await settled(() => visitor.find('composer-hint')?.textContent.includes('2 too many') === true)
  await visitor.press('composer-input', 'Enter')
  expect(visitor.gateway.calls).not.toContain('message.post')
  expect(await visitor.value('composer-input')).toBe('seven..')
})

test('a text that is refused stands in the composer again, and why', async () => {
  const visitor = visit('/')
  await visitor.fill('composer-input', 'too long for it')
  visitor.gateway.refusals.push({ code: 402, message: 'text_too_long' })
  await visitor.press('composer-input', 'Enter')
  expect((await visitor.get('composer-refusal')).textContent).toContain('This message is too long')
  expect(await visitor.value('composer-input')).toBe('too long for it')
  expect(visitor.find('message')).toBeNull()
  await visitor.fill('composer-input', 'short')
  await settled(() => visitor.find('composer-refusal') === null)
})

test('a message refused for another reason can be taken back and written anew', async () => {
  const visitor = visit('/')
  await visitor.fill('composer-input', 'hello')
  visitor.gateway.refusals.push({ code: 403, message: 'not_allowed' })
  await visitor.press('composer-input', 'Enter')
  ;(await visitor.get('message-edit')).click()
  await settled(() => (visitor.find('composer-input') as HTMLTextAreaElement).value === 'hello')
  await settled(() => document.activeElement === visitor.find('composer-input'))
  expect(visitor.find('message')).toBeNull()
})

test('a room that is not there has a way back to those that are', async () => {
  const visitor = visit('/rooms/nowhere')
  ;(await visitor.get('door-away')).click()
  await settled(() => visitor.path === '/rooms/lobby')
})

test('a log-out leads to the log-in', async () => {
  const visitor = visit('/')
  const button = await visitor.get('logout')
  button.click()
  await visitor.get('login-email')
  expect(visitor.path).toBe('/login')
})
