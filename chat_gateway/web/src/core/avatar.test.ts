import { expect, test } from 'vitest'

import { hue, HUES, initials } from './avatar'
import type { UserId } from './wire'

test.each([
  ['Ada Lovelace', 'AL'],
  ['ada', 'AD'],
  ['dog1', 'D1'],
  ['  Maria  de la  Cruz ', 'MC'],
  ['x', 'X'],
  ['9', '9'],
  ['🐶 dog', '🐶D'],
  ['', '?'],
])('the initials of %j are %j', (name, letters) => {
  expect(initials(name)).toBe(letters)
})

test('a colour stays with its person and is one of the palette', () => {
  for (const id of ['a', 'b', 'a long id'] as UserId[]) {
    expect(hue(id)).toBe(hue(id))
    expect(hue(id)).toBeGreaterThanOrEqual(0)
    expect(hue(id)).toBeLessThan(HUES)
  }
})
