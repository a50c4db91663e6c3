import { expect, test } from 'vitest'

import { MAX_CHARACTERS, mayBeSent, remaining, trimmed } from './draft'

test('blank lines around a text go, its inner shape stays', () => {
  expect(trimmed('\n  \n  a\n\n  b  \n')).toBe('  a\n\n  b')
})

test.each(['', '  ', '\n\n'])('blank text may not be sent: %j', (text) => {
  expect(mayBeSent(text)).toBe(false)
})

test('the limit counts characters as people do, not units of UTF-16', () => {
  expect(remaining('🐶'.repeat(MAX_CHARACTERS))).toBe(0)
  expect(mayBeSent('a'.repeat(MAX_CHARACTERS))).toBe(true)
  expect(mayBeSent('a'.repeat(MAX_CHARACTERS + 1))).toBe(false)
})

test('a short text of very long characters may be too many bytes', () => {
  expect(remaining('👩🏽‍🚀'.repeat(2400))).toBeLessThan(0)
})
