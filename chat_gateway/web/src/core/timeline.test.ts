import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { joined, posted } from '../../test/entries'
import * as timeline from './timeline'
import type { Entry, UserId } from './wire'

const ME = 'me' as UserId

function draftOf(entry: Entry): timeline.Pending {
  return { clientId: entry.clientId, body: 'mine', at: 0, failure: null }
}

function offsets(line: timeline.Timeline): number[] {
  return line.entries.map((entry) => entry.offset)
}

test('an echo takes the place of the pending message', () => {
  const mine = posted(3, ME)
  const waiting = timeline.submit(timeline.EMPTY, draftOf(mine), ME)
  expect(waiting.pending).toHaveLength(1)
  const echoed = timeline.merge(waiting, [mine], ME)
  expect(echoed.pending).toHaveLength(0)
  expect(offsets(echoed)).toEqual([3])
})

test("another author's equal client id leaves the pending message alone", () => {
  const waiting = timeline.submit(timeline.EMPTY, draftOf(posted(3, ME)), ME)
  expect(timeline.merge(waiting, [posted(3, 'other')], ME).pending).toHaveLength(1)
})

test('a message that is in the log already is not submitted again', () => {
  const mine = posted(1, ME)
  const line = timeline.merge(timeline.EMPTY, [mine], ME)
  expect(timeline.submit(line, draftOf(mine), ME).pending).toHaveLength(0)
})

test('a failed message keeps its reason until it is tried again, and can be discarded', () => {
  const draft = draftOf(posted(1, ME))
  const failed = timeline.fail(timeline.submit(timeline.EMPTY, draft, ME), draft.clientId, 'too long')
  expect(failed.pending[0]?.failure).toBe('too long')
  expect(timeline.retry(failed, draft.clientId).pending[0]?.failure).toBeNull()
  expect(timeline.discard(failed, draft.clientId).pending).toEqual([])
})

test('a gap is found between entries and below the head, the newest first', () => {
  const line = timeline.merge(timeline.EMPTY, [posted(1), posted(4), joined(5)], ME)
  expect(timeline.gap(line)).toEqual({ after: 1, before: 4 })
  expect(timeline.gap(timeline.raiseHead(line, 9))).toEqual({ after: 5, before: 10 })
})

test('nothing held has no gap, it has everything to load', () => {
  expect(timeline.gap(timeline.raiseHead(timeline.EMPTY, 9))).toBeNull()
})

test('a page of another epoch replaces the log and keeps what is on its way', () => {
  const draft = draftOf(posted(99, ME))
  const old = timeline.mergePage(timeline.EMPTY, { entries: [posted(7)], head: 7, epoch: 'old' }, ME)
  const line = timeline.mergePage(timeline.submit(old, draft, ME), { entries: [posted(2)], head: 2, epoch: 'new' }, ME)
  expect(offsets(line)).toEqual([2])
  expect(line).toMatchObject({ epoch: 'new', head: 2, pending: [draft] })
})

test('the start is reached with the first offset or when told', () => {
  expect(timeline.merge(timeline.EMPTY, [posted(1)], ME).atStart).toBe(true)
  const line = timeline.merge(timeline.EMPTY, [posted(2)], ME)
  expect(line.atStart).toBe(false)
  expect(timeline.reachStart(line).atStart).toBe(true)
})

// The sync law: whatever arrives in whatever order, filling the gaps gives the log.

interface Step {
  readonly kind: 'push' | 'before' | 'after' | 'newest' | 'submit' | 'answer' | 'fail' | 'retry'
  readonly at: number
  readonly size: number
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('push', 'before', 'after', 'newest', 'submit', 'answer', 'fail', 'retry'),
  at: fc.nat(60),
  size: fc.integer({ min: 1, max: 20 }),
})
const authors = fc.array(fc.constantFrom('me', 'other', 'third'), { minLength: 1, maxLength: 60 })

function apply(line: timeline.Timeline, { kind, at, size }: Step, log: readonly Entry[]): timeline.Timeline {
  const entry = log[at % log.length]
  if (entry === undefined) return line
  const page = (from: number, to: number): timeline.Timeline =>
    timeline.mergePage(line, { entries: log.slice(Math.max(0, from), to), head: log.length, epoch: 'e' }, ME)
  switch (kind) {
    case 'push':
      return timeline.merge(line, [entry], ME)
    case 'before':
      return page(entry.offset - 1 - size, entry.offset - 1)
    case 'after':
      return page(entry.offset, entry.offset + size)
    case 'newest':
      return page(log.length - size, log.length)
    case 'answer':
      return timeline.raiseHead(line, entry.offset)
    default:
      return entry.author === ME ? applyOwn(line, kind, entry) : line
  }
}

function applyOwn(line: timeline.Timeline, kind: Step['kind'], entry: Entry): timeline.Timeline {
  if (kind === 'fail') return timeline.fail(line, entry.clientId, 'no')
  if (kind === 'retry') return timeline.retry(line, entry.clientId)
  return timeline.submit(line, draftOf(entry), ME)
}

function complete(line: timeline.Timeline, log: readonly Entry[]): timeline.Timeline {
  let whole = timeline.mergePage(line, { entries: log.slice(-3), head: log.length, epoch: 'e' }, ME)
  for (let gap = timeline.gap(whole); gap !== null; gap = timeline.gap(whole)) {
    whole = timeline.mergePage(whole, { entries: log.slice(gap.after, gap.after + 5), head: log.length, epoch: 'e' }, ME)
  }
  while (!whole.atStart) {
    const first = whole.entries[0]?.offset ?? 1
    whole = timeline.merge(whole, log.slice(Math.max(0, first - 6), first - 1), ME)
  }
  return whole
}

describe('any interleaving of pages, pushes, echoes, answers and retries', () => {
  test('ends in the log, each entry once, in order, and nothing pending that is in it', () => {
    fc.assert(
      fc.property(authors, fc.array(step, { maxLength: 80 }), (names, steps) => {
        const log = names.map((name, index) => posted(index + 1, name))
        const line = steps.reduce((known, next) => apply(known, next, log), timeline.EMPTY)
        const seen = offsets(line)
        expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b))
        const whole = complete(line, log)
        expect(whole.entries).toEqual(log)
        expect(whole.pending).toEqual([])
        expect(timeline.gap(whole)).toBeNull()
      }),
      { numRuns: 300 },
    )
  })
})
