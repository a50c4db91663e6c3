import { expect, test } from 'vitest'

import { WireError } from './fields'
import * as wire from './wire'

const HEAD = { id: 'm1', at: 5, author: 'u1', client_id: 'c1' }

test('a message is decoded with the offset that came beside it', () => {
  const data = { ...HEAD, type: 'message.posted', posts: 3, content: { body: 'hi', later: 1 } }
  expect(wire.decodeEntry(data, 7)).toMatchObject({ kind: 'message', offset: 7, body: 'hi', posts: 3, author: 'u1' })
})

test('a movement names its subject', () => {
  const data = { ...HEAD, type: 'member.removed', offset: 2, subject: 'u2' }
  expect(wire.decodeEntry(data)).toMatchObject({ kind: 'member', movement: 'removed', subject: 'u2' })
})

test('an unknown kind keeps its place', () => {
  expect(wire.decodeEntry({ ...HEAD, type: 'reaction.added' }, 9)).toMatchObject({ kind: 'other', offset: 9 })
})

test.each([null, 'text', [], { type: 'message.posted' }, { ...HEAD, type: 'message.posted', content: {} }])(
  'what is no entry is refused: %j',
  (data) => {
    expect(() => wire.decodeEntry(data)).toThrow(WireError)
  },
)

test('the user log tells of rooms and markers', () => {
  expect(wire.decodeUserEntry({ type: 'room.joined', content: { room: 'r' } })).toEqual({
    kind: 'room',
    movement: 'joined',
    room: 'r',
  })
  const moved = { type: 'marker.moved', content: { room: 'r', offset: 4, posts: 3 } }
  expect(wire.decodeUserEntry(moved)).toEqual({ kind: 'marker', room: 'r', offset: 4, posts: 3 })
  expect(wire.decodeUserEntry({ type: 'tomorrow' })).toEqual({ kind: 'other' })
})

test('a room without a role is one I am not in', () => {
  const room = wire.decodeRoomReply({ room: { id: 'r', name: 'R', kind: 'private', role: null } })
  expect(room).toMatchObject({ role: null, kind: 'private', unread: 0, topic: '' })
})

test('hello, page, people and answers are decoded', () => {
  const hello = wire.decodeHello({ user: { id: 'u', name: 'U' }, rooms: [{ id: 'r', name: 'R', role: 'member' }] })
  expect(hello.rooms[0]).toMatchObject({ id: 'r', role: 'member' })
  expect(wire.decodePage({ entries: [], head: 3, epoch: 'e' })).toEqual({ entries: [], head: 3, epoch: 'e' })
  expect(wire.decodePeople({ people: [{ id: 'u', name: 'U', picture: null }] })).toEqual([{ id: 'u', name: 'U' }])
  expect(wire.decodePosted({ id: 'm', offset: 1, at: 2 })).toEqual({ id: 'm', offset: 1, at: 2 })
  expect(() => wire.decodePage({ entries: {} })).toThrow(WireError)
})
