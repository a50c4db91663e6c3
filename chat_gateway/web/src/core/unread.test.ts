import { expect, test } from 'vitest'

import { posted } from '../../test/entries'
import { afterMarker, afterPost } from './unread'
import type { Room, RoomId, UserId } from './wire'

const ME = 'me' as UserId
const ROOM: Room = {
  id: 'lobby' as RoomId,
  name: 'Lobby',
  kind: 'public',
  topic: '',
  role: 'member',
  head: 10,
  posts: 10,
  marker: 8,
  unread: 2,
}

test("another's message is one more unread", () => {
  expect(afterPost(ROOM, posted(11), ME)).toMatchObject({ head: 11, posts: 11, marker: 8, unread: 3 })
})

test('a message counted already is not counted twice', () => {
  expect(afterPost(ROOM, posted(9), ME)).toEqual(ROOM)
})

test('messages that were missed are counted by the next one', () => {
  expect(afterPost(ROOM, posted(15), ME).unread).toBe(7)
})

test('an own message leaves nothing unread', () => {
  expect(afterPost(ROOM, posted(11, ME), ME)).toMatchObject({ marker: 11, unread: 0 })
})

test('a marker only moves forward', () => {
  expect(afterMarker(ROOM, 9, 9)).toMatchObject({ marker: 9, unread: 1 })
  expect(afterMarker(ROOM, 7, 7)).toEqual(ROOM)
})
