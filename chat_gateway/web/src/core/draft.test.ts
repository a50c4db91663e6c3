import { expect, test } from 'vitest'

import { mayBeSent, MOST, remaining, trimmed } from './draft'

const LIMITS = { characters: 8000, bytes: 32 * 1024 }

test('blank lines around a text go, its inner shape stays', () => {
  expect(trimmed('\n  \n  a\n\n  b  \n')).toBe('  a\n\n  b')
})

test.each(['', '  ', '\n\n'])('blank text may not be sent: %j', (text) => {
  expect(mayBeSent(text, LIMITS)).toBe(false)
})

test('the limit counts characters as people do, not units of UTF-16', () => {
  expect(remaining('🐶'.repeat(LIMITS.characters), LIMITS)).toBe(0)
  expect(mayBeSent('a'.repeat(LIMITS.characters), LIMITS)).toBe(true)
  expect(mayBeSent('a'.repeat(LIMITS.characters + 1), LIMITS)).toBe(false)
})

test('a short text of very long characters may be too many bytes', () => {
  expect(remaining('👩🏽‍🚀'.repeat(2400), LIMITS)).toBeLessThan(0)
})

test('what no gateway may be set to take is not sent to one that does not tell its limits', () => {
  expect(mayBeSent('a'.repeat(16_000), MOST)).toBe(true)
  expect(mayBeSent('a'.repeat(16_001), MOST)).toBe(false)
  expect(mayBeSent('漢'.repeat(16_000), MOST)).toBe(true)
  expect(mayBeSent('🐶'.repeat(16_000), MOST)).toBe(true)
  expect(mayBeSent('👩🏽‍🚀'.repeat(5000), MOST)).toBe(false)
})
