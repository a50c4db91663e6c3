// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { grantMe } from '../../test/client'
import { ME } from '../../test/gateway'
import { Page, type Serve } from '../../test/page'
import { settled } from '../../test/settled'

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0'
const LINK = 'https://chat.example/register#token=abc'

/** What the server says to "METHOD /path"; a test may change it. */
let answers: Record<string, () => Response>
let asked: [string, Record<string, unknown>][]
let mine: Record<string, unknown>
let sessions: Record<string, unknown>[]
let page: Page | null = null

function done(): Response {
  return new Response(null, { status: 204 })
}

function refusal(status: number, code: string, more: object = {}): () => Response {
  return () => Response.json({ code, ...more }, { status })
}

beforeEach(() => {
  mine = { id: ME, name: 'Me', email: 'me@b.c', picture: '', profile: {}, role: 'administrator' }
  const times = { started_at: Date.now(), last_used_at: Date.now() }
  sessions = [
    { id: 'here', user_agent: FIREFOX, network: '10.0.0.0/24', is_current: true, ...times },
    { id: 'there', user_agent: 'curl/8', network: '', is_current: false, ...times },
  ]
  asked = []
  answers = {
    'POST /auth/token': grantMe,
    'GET /auth/me': () => Response.json(mine),
    'GET /auth/sessions': () => Response.json({ sessions }),
  }
})
afterEach(() => {
  page?.close()
  vi.unstubAllGlobals()
})

const serve: Serve = (path, body, method) => {
  const call = `${method} ${path}`
  asked.push([call, body])
  return (answers[call] ?? done)()
}

function visit(path = '/settings'): Page {
  page = new Page(path, serve)
  return page
}

function bodyOf(call: string): Record<string, unknown> | undefined {
  return asked.find(([made]) => made === call)?.[1]
}

async function text(visitor: Page, testid: string): Promise<string> {
  return (await visitor.get(testid)).textContent.trim()
}

test('the chat leads to the settings, and the link and Escape lead back to the same room', async () => {
  const visitor = visit('/rooms/lobby')
  for (const back of ['link', 'Escape']) {
    ;(await visitor.get('settings-link')).click()
    await visitor.get('profile-form')
    expect(visitor.path).toBe('/settings')
    expect(document.title).toBe('Settings · Parley')
    if (back === 'link') (await visitor.get('settings-back')).click()
    else await visitor.press('profile-name', 'Escape')
    await settled(() => visitor.path === '/rooms/lobby')
  }
})

test('Escape that ends an input method ends nothing else', async () => {
  const visitor = visit()
  await visitor.press('profile-name', 'Escape', { isComposing: true })
  await visitor.press('profile-name', 'Tab')
  expect(visitor.path).toBe('/settings')
})

test('the profile is shown and saved', async () => {
  answers['PATCH /auth/me'] = () => Response.json((mine = { ...mine, name: 'Ann', picture: 'https://x.y/z' }))
  const visitor = visit('/rooms/lobby')
  await settled(() => visitor.find('connection-state')?.dataset.state === 'connected')
  ;(await visitor.get('settings-link')).click()
  expect(await text(visitor, 'profile-email')).toBe('me@b.c')
  await visitor.fill('profile-name', ' Ann ')
  await visitor.fill('profile-picture', 'https://x.y/z')
  await visitor.submit('profile-submit')
  await settled(() => visitor.find('profile-done')?.textContent === 'Your profile is saved.')
  expect(bodyOf('PATCH /auth/me')).toEqual({ name: 'Ann', picture: 'https://x.y/z' })
  ;(await visitor.get('settings-back')).click()
  await settled(() => visitor.find('settings-link')?.parentElement?.textContent.includes('Ann') === true)
})

test('a refused profile says what is wrong at its box, until it is corrected', async () => {
  answers['PATCH /auth/me'] = refusal(400, 'invalid_request', {
    detail: 'picture: is not an https address.',
    errors: { picture: 'is not an https address' },
  })
  const visitor = visit()
  await visitor.fill('profile-picture', 'ftp://x')
  await visitor.submit('profile-submit')
  const box = await visitor.marked('profile-picture')
  expect(box.note).toBe('Picture is not an https address.')
  expect(visitor.find('profile-error')).toBeNull()
  await visitor.fill('profile-picture', 'https://x')
  await settled(() => box.input.getAttribute('aria-invalid') === null)
})

test('a new password empties the form and says what it did', async () => {
  const visitor = visit()
  await visitor.fill('password-current', 'old one')
  await visitor.fill('password-new', 'new one!')
  await visitor.submit('password-submit')
  await settled(() => visitor.find('password-done')?.textContent.includes('other devices') === true)
  expect(bodyOf('POST /auth/password')).toEqual({ password: 'old one', new_password: 'new one!' })
  expect([await visitor.value('password-current'), await visitor.value('password-new')]).toEqual(['', ''])
})

test.each([{}, { errors: { password: 'is wrong' } }, { errors: [{ field: 'password', detail: 'is wrong' }] }])('a wrong password is said at its box, and after too many the wait: %j', async (more) => {
  answers['POST /auth/password'] = refusal(403, 'wrong_password', more)
  const visitor = visit()
  await visitor.fill('password-current', 'wrong')
  await visitor.submit('password-submit')
  const box = await visitor.marked('password-current')
  expect(box.note).toBe('The password is wrong. Type the one you have now.')
  expect((await visitor.get('password-new')).getAttribute('aria-invalid')).toBeNull()
  answers['POST /auth/password'] = refusal(429, 'too_many_attempts', { retry_after: 65 })
  await visitor.submit('password-submit')
  await settled(() => visitor.find('password-error')?.textContent.includes('1 minute 5 seconds') === true)
  expect(visitor.path).toBe('/settings')
})

test.each([
  ['password_too_short', 'too short'],
  ['password_too_common', 'too easy to guess'],
])('what is wrong with the new password is said at the box of the new one: %s', async (code, words) => {
  answers['POST /auth/password'] = refusal(400, code, { errors: { password: 'whatever' } })
  const visitor = visit()
  await visitor.fill('password-current', 'old one')
  await visitor.submit('password-submit')
  expect((await visitor.marked('password-new')).note).toContain(words)
  expect((await visitor.get('password-current')).getAttribute('aria-invalid')).toBeNull()
})

test('an account is not deleted by a wrong password, which is said at its box', async () => {
  answers['DELETE /auth/me'] = refusal(403, 'wrong_password')
  const visitor = visit()
  ;(await visitor.get('deletion-open')).click()
  await visitor.fill('deletion-password', 'not mine')
  await visitor.submit('deletion-submit')
  expect((await visitor.marked('deletion-password')).note).toContain('password is wrong')
  expect(visitor.path).toBe('/settings')
})

test('sessions are told apart, and one of them is ended', async () => {
  answers['DELETE /auth/sessions/there'] = () => {
    sessions = sessions.slice(0, 1)
    return done()
  }
  const visitor = visit()
  await settled(() => visitor.all('session').length === 2)
  const [here, there] = visitor.all('session').map(({ textContent }) => textContent)
  expect(here).toMatch(/Firefox on Linux.*This device.*10\.0\.0\.0\/24.*Today/s)
  expect(there).toContain('curl')
  expect(there).not.toContain('This device')
  const buttons = visitor.all('session-end')
  expect(buttons.map((button) => button.getAttribute('aria-label'))).toEqual(['Log out curl'])
  buttons[0]?.click()
  await settled(() => visitor.all('session').length === 1)
  expect(await text(visitor, 'sessions-done')).toBe('curl is logged out.')
  expect(document.activeElement?.textContent).toBe('Sessions')
  expect(visitor.find('sessions-end-others')).toBeNull()
})

test('all other sessions are ended together', async () => {
  answers['POST /auth/logout/others'] = () => {
    sessions = sessions.slice(0, 1)
    return done()
  }
  const visitor = visit()
  ;(await visitor.get('sessions-end-others')).click()
  await settled(() => visitor.all('session').length === 1)
})

test('a log-out everywhere leads to the log-in', async () => {
  const visitor = visit()
  ;(await visitor.get('sessions-end-all')).click()
  await visitor.get('login-email')
  expect(visitor.path).toBe('/login')
})

test('what could not be ended is said', async () => {
  answers['POST /auth/logout/all'] = refusal(503, 'store_unavailable', { retry_after: 1 })
  const visitor = visit()
  ;(await visitor.get('sessions-end-all')).click()
  expect(await text(visitor, 'sessions-error')).toContain('right now')
  expect(visitor.find('sessions-error')?.textContent).not.toContain('Next try')
  expect(visitor.path).toBe('/settings')
})

test('a session ended elsewhere leads to the log-in and back', async () => {
  const visitor = visit()
  await visitor.get('profile-form')
  answers['PATCH /auth/me'] = refusal(401, 'session_expired')
  await visitor.submit('profile-submit')
  await visitor.get('login-email')
  expect(visitor.path).toBe('/login?next=/settings')
})

test('an administrator makes a link, which is copied', async () => {
  const clip: string[] = []
  vi.stubGlobal('navigator', { onLine: true, clipboard: { writeText: (words: string) => Promise.resolve(clip.push(words)) } })
  answers['POST /auth/invitations'] = () => Response.json({ link: LINK, expires_at: Date.UTC(2030, 0, 5) }, { status: 201 })
  const visitor = visit()
  await visitor.fill('invitation-email', 'ann@b.c')
  await visitor.submit('invitation-submit')
  expect(await visitor.value('invitation-link')).toBe(LINK)
  expect(bodyOf('POST /auth/invitations')).toEqual({ email: 'ann@b.c' })
  expect((await visitor.get('invitation-link')).closest('.offer')?.textContent).toMatch(/ann@b\.c.*2030/s)
  ;(await visitor.get('invitation-copy')).click()
  await settled(() => visitor.find('invitation-done')?.textContent === 'The link is copied.')
  expect(clip).toEqual([LINK])
})

test('where a page may not copy, it says how to', async () => {
  vi.stubGlobal('navigator', { onLine: true })
  answers['POST /auth/invitations'] = () => Response.json({ link: LINK, expires_at: 1 }, { status: 201 })
  const visitor = visit()
  await visitor.fill('invitation-email', '')
  await visitor.submit('invitation-submit')
  ;(await visitor.get('invitation-copy')).click()
  await settled(() => visitor.find('invitation-done')?.textContent.includes('with your keyboard') === true)
  expect(bodyOf('POST /auth/invitations')).toEqual({})
})

test('whoever is no administrator invites nobody', async () => {
  mine = { ...mine, role: 'member' }
  const visitor = visit()
  await visitor.get('profile-form')
  expect(visitor.find('invitation-form')).toBeNull()
})

test('an account is deleted by its password, in two steps that can be taken back', async () => {
  const visitor = visit()
  ;(await visitor.get('deletion-open')).click()
  await settled(() => document.activeElement === visitor.find('deletion-sure'))
  await visitor.fill('deletion-password', 'typed by mistake')
  ;(await visitor.get('deletion-cancel')).click()
  await settled(() => document.activeElement === visitor.find('deletion-open'))
  ;(await visitor.get('deletion-open')).click()
  expect(await visitor.value('deletion-password')).toBe('')
  await visitor.fill('deletion-password', 'mine')
  await visitor.submit('deletion-submit')
  await visitor.get('login-email')
  expect(bodyOf('DELETE /auth/me')).toEqual({ password: 'mine' })
  expect(visitor.path).toBe('/login')
})

test('the last administrator stays, and is told why', async () => {
  answers['DELETE /auth/me'] = refusal(409, 'last_administrator')
  const visitor = visit()
  ;(await visitor.get('deletion-open')).click()
  await visitor.fill('deletion-password', 'mine')
  await visitor.submit('deletion-submit')
  expect(await text(visitor, 'deletion-error')).toContain('last administrator')
})

test('settings that cannot be read are asked for again', async () => {
  answers['GET /auth/sessions'] = refusal(503, 'store_unavailable')
  const visitor = visit()
  const again = await visitor.get('settings-again')
  expect(visitor.find('profile-form')).toBeNull()
  answers['GET /auth/sessions'] = () => Response.json({ sessions })
  again.click()
  await visitor.get('profile-form')
})
