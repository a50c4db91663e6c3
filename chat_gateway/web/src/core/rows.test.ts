import { expect, test } from 'vitest'

import { joined, posted } from '../../test/entries'
import { rows, type MessageRow, type Row } from './rows'
import { EMPTY, merge, submit } from './timeline'
import type { ClientId, Entry, UserId } from './wire'

const ME = 'me' as UserId
const DAY_MS = 86_400_000

function shown(entries: readonly Entry[]): Row[] {
  return rows(merge(EMPTY, entries, ME), ME, (at) => String(Math.floor(at / DAY_MS)))
}

function messages(all: readonly Row[]): MessageRow[] {
  return all.filter((row) => row.kind === 'message')
}

test('each day opens with its name', () => {
  const kinds = shown([posted(1), posted(2), { ...posted(3), at: DAY_MS }]).map((row) => row.kind)
  expect(kinds).toEqual(['day', 'message', 'message', 'day', 'message'])
})

test("one author's messages within five minutes form a group", () => {
  const entries = [posted(1, 'a'), posted(2, 'a'), posted(3, 'b'), { ...posted(4, 'b'), at: 400_000 }]
  expect(messages(shown(entries)).map((row) => row.opensGroup)).toEqual([true, false, true, true])
})

test('a notice ends a group', () => {
  const opens = messages(shown([posted(1, 'a'), joined(2), posted(3, 'a')])).map((row) => row.opensGroup)
  expect(opens).toEqual([true, true])
})

test('a pending message comes last and keeps its key when its echo arrives', () => {
  const draft = { clientId: 'c9' as ClientId, body: 'mine', at: 9000, failure: 'no' }
  const waiting = submit(merge(EMPTY, [posted(1)], ME), draft, ME)
  const before = rows(waiting, ME, String).at(-1)
  expect(before).toMatchObject({ own: true, state: 'failed', failure: 'no' })
  const after = rows(merge(waiting, [posted(9, ME)], ME), ME, String).at(-1)
  expect(after).toMatchObject({ own: true, state: 'sent', key: before?.key })
})

test('entries of an unknown kind are not shown', () => {
  const { body, posts, ...head } = posted(1)
  expect([body, posts]).toBeDefined()
  expect(shown([{ ...head, kind: 'other' }])).toEqual([])
})
