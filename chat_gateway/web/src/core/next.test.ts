import { expect, test } from 'vitest'

import { localPath } from './next'

const SITE = 'https://chat.example'

test.each(['/rooms/lobby', '/rooms/a?x=1#y', '/'])('a path of this site is kept: %s', (path) => {
  expect(localPath(path, SITE)).toBe(path)
})

test.each([
  '//evil.example',
  '/\\evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  '/.//evil.example',
  '/x/..//evil.example',
  'https://evil.example/',
  'javascript:alert(1)',
  'rooms/lobby',
  '',
  undefined,
  null,
  ['/a', '/b'],
])('anything else leads to the front page: %j', (next) => {
  expect(localPath(next, SITE)).toBe('/')
})

test.each(['/login', '/login?next=/login', '/register', '/setup', '/reset#token=x', '/x/../login'])('an entrance does not lead to itself: %s', (next) => {
  expect(localPath(next, SITE)).toBe('/')
})
