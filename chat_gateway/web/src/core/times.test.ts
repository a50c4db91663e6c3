import { expect, test } from 'vitest'

import { dayName, dayOf, fullTimeOf, momentOf, spanOf, timeOf } from './times'

const NOON = new Date(2026, 4, 20, 12).getTime()
const HOUR = 3_600_000

test('two times of one local day have one name', () => {
  expect(dayOf(NOON)).toBe(dayOf(NOON + 11 * HOUR))
  expect(dayOf(NOON)).not.toBe(dayOf(NOON + 13 * HOUR))
})

test('days are named from where one stands', () => {
  expect(dayName(NOON, NOON)).toBe('Today')
  expect(dayName(NOON, NOON + 24 * HOUR)).toBe('Yesterday')
  expect(dayName(NOON, NOON + 72 * HOUR)).not.toContain('2026')
  expect(dayName(NOON, NOON + 400 * 24 * HOUR)).toContain('2026')
})

test('a time is readable in short and in full', () => {
  expect(timeOf(NOON)).toMatch(/12/)
  expect(fullTimeOf(NOON)).toContain('2026')
})

test('a moment is a day and a time', () => {
  expect(momentOf(NOON, NOON)).toBe(`Today, ${timeOf(NOON)}`)
})

test.each([
  [0, '0 seconds'],
  [0.2, '1 second'],
  [59, '59 seconds'],
  [60, '1 minute'],
  [61.5, '1 minute 2 seconds'],
  [900, '15 minutes'],
])('%d seconds read as %s', (seconds, text) => {
  expect(spanOf(seconds)).toBe(text)
})
