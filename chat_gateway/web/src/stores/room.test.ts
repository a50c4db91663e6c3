import { afterEach, expect, test, vi } from 'vitest'

import { clientOf } from '../../test/client'
import { Gateway, ME, OTHER } from '../../test/gateway'
import { settled } from '../../test/settled'
import type { RoomId } from '../core/wire'

const LOBBY = 'lobby' as RoomId
const SIDE = 'side' as RoomId

let stop = (): void => undefined
afterEach(() => {
  stop()
  vi.useRealTimers()
})

async function lobby(past = 0, gateway = new Gateway()) {
  for (let n = 0; n < past; n += 1) gateway.say(OTHER, `old ${n}`)
  const client = clientOf(gateway)
  stop = client.connection.stop
  client.connection.start()
  await settled(() => client.connection.state === 'connected')
  await client.room.open(LOBBY)
  const offsets = (): number[] => client.room.line.entries.map((entry) => entry.offset)
  return { gateway, ...client, offsets }
}

function upTo(last: number, first = 1): number[] {
  return Array.from({ length: last - first + 1 }, (_, n) => first + n)
}

test('a room opens with its newest fifty, older ones come when asked for', async () => {
  const { room, offsets } = await lobby(120)
  expect(offsets()).toEqual(upTo(120, 71))
  await room.loadOlder()
  await room.loadOlder()
  expect(offsets()).toEqual(upTo(120))
  expect(room.line.atStart).toBe(true)
})

test('an own message is shown at once and replaced by its echo', async () => {
  const { room, gateway } = await lobby()
  room.send('hello')
  expect(room.line.pending).toMatchObject([{ body: 'hello', failure: null }])
  await settled(() => room.line.pending.length === 0)
  expect(room.line.entries).toMatchObject([{ body: 'hello', author: ME }])
  expect(gateway.log).toHaveLength(1)
})

test('a lost push is fetched when the next one shows the hole', async () => {
  const { gateway, offsets } = await lobby(3)
  gateway.say(OTHER, 'lost')
  gateway.push(gateway.say(OTHER, 'seen'))
  await settled(() => offsets().length === 5)
  expect(offsets()).toEqual(upTo(5))
})

test.each([1, 250])('what a reconnect did not recover is fetched: %i entries', async (missed) => {
  const { gateway, offsets } = await lobby(3)
  gateway.recovers = false
  gateway.cut()
  for (let n = 0; n < missed; n += 1) gateway.say(OTHER, 'missed')
  await settled(() => offsets().length === 3 + missed)
  expect(offsets()).toEqual(upTo(3 + missed))
})

test('after a very long absence the room starts again from its newest page', async () => {
  const { gateway, offsets } = await lobby(3)
  gateway.recovers = false
  gateway.cut()
  for (let n = 0; n < 500; n += 1) gateway.say(OTHER, 'missed')
  await settled(() => offsets().length === 50)
  expect(offsets()).toEqual(upTo(503, 454))
})

test.each([true, false])('a room whose position was not sent has no silent hole; pushed to before it is opened: %s', async (pushed) => {
  const gateway = new Gateway()
  const side = (gateway.side = [])
  const inSide = () => gateway.say(OTHER, 'aside', undefined, side)
  inSide()
  const { room, rooms, connection, offsets } = await lobby(3, gateway)
  await room.open(SIDE)
  expect(offsets()).toEqual([1])
  await room.open(LOBBY)

  vi.useFakeTimers()
  gateway.drops = 2
  gateway.cut()
  for (let n = 0; n < 5; n += 1) inSide()
  gateway.say(OTHER, 'missed')
  await vi.advanceTimersByTimeAsync(10_000)
  expect(connection.state).toBe('connected')
  expect(offsets()).toEqual(upTo(4))
  expect(gateway.positions.at(-1)).toEqual(['room:lobby'])
  expect(rooms.rooms.get(SIDE)).toMatchObject({ unread: 6, head: 6 })

  if (pushed) gateway.push(inSide(), 'side')
  void room.open(SIDE)
  await vi.advanceTimersByTimeAsync(100)
  expect(offsets()).toEqual(upTo(pushed ? 7 : 6))
})

test('a new epoch forgets the old log', async () => {
  const { gateway, room } = await lobby(3)
  gateway.epoch = 'e2'
  gateway.recovers = false
  gateway.log = []
  gateway.say(OTHER, 'another log')
  gateway.cut()
  await settled(() => room.line.epoch === 'e2' && room.line.entries.length === 1)
  expect(room.line.entries).toMatchObject([{ body: 'another log' }])
})

test('messages written while offline go out in order when the connection is back', async () => {
  const { gateway, room, connection } = await lobby()
  gateway.reachable = false
  gateway.cut()
  await settled(() => connection.state === 'connecting')
  room.send('one')
  room.send('two')
  expect(room.line.pending).toHaveLength(2)
  gateway.reachable = true
  await settled(() => room.line.pending.length === 0 && room.line.entries.length === 2)
  expect(gateway.log.map((entry) => entry.content.body)).toEqual(['one', 'two'])
})

test('a refused message says why and can be tried again under the same number', async () => {
  const { gateway, room } = await lobby()
  gateway.refusals.push({ code: 403, message: 'not_allowed' })
  room.send('hello')
  await settled(() => room.line.pending[0]?.failure !== null)
  const failed = room.line.pending[0]
  if (failed === undefined) throw new Error('the message is gone')
  expect(failed.failure).toContain('may not')
  room.retry(failed.clientId)
  await settled(() => room.line.entries.length === 1)
  expect(gateway.log[0]?.client_id).toBe(failed.clientId)
})

test('a failed message can be discarded', async () => {
  const { gateway, room } = await lobby()
  gateway.refusals.push({ code: 403, message: 'not_allowed' })
  room.send('hello')
  await settled(() => room.line.pending[0]?.failure !== null)
  for (const { clientId } of room.line.pending) room.discard(clientId)
  expect(room.line.pending).toEqual([])
})

test('a text that is too long comes back to where it was written, with the reason', async () => {
  const { gateway, room, drafts } = await lobby()
  gateway.refusals.push({ code: 402, message: 'text_too_long' })
  room.send('far too long')
  await settled(() => drafts.of(LOBBY) === 'far too long')
  expect(room.line.pending).toEqual([])
  expect(drafts.refusals.get(LOBBY)).toContain('too long')
  drafts.write(LOBBY, 'shorter')
  expect(drafts.refusals.get(LOBBY)).toBe('')
})

test('a refused text does not overwrite the next one, and is taken back by hand', async () => {
  const { gateway, room, drafts } = await lobby()
  gateway.refusals.push({ code: 402, message: 'text_too_long' })
  room.send('far too long')
  drafts.write(LOBBY, 'the next')
  await settled(() => room.line.pending[0]?.failure !== null)
  expect(drafts.of(LOBBY)).toBe('the next')
  for (const { clientId } of room.line.pending) room.takeBack(clientId)
  expect(drafts.of(LOBBY)).toBe('far too long\nthe next')
  expect(room.line.pending).toEqual([])
})

test('the limits of a text are those the gateway tells', async () => {
  const gateway = new Gateway()
  gateway.limits = { text_characters: 5, text_bytes: 10 }
  const { drafts } = await lobby(0, gateway)
  expect(drafts.limits).toEqual({ characters: 5, bytes: 10 })
})

test('unread counts follow what others say, and reading sets the marker after a second', async () => {
  const { gateway, rooms } = await lobby(2)
  expect(rooms.unread).toBe(2)
  gateway.push(gateway.say(OTHER, 'new'))
  await settled(() => rooms.unread === 3)
  rooms.see(LOBBY, 2)
  rooms.see(LOBBY, 3)
  await settled(() => gateway.markers.length > 0)
  expect(gateway.markers).toEqual([{ room: 'lobby', offset: 3 }])
  await settled(() => rooms.unread === 0)
})

test('names are asked for once they are wanted', async () => {
  const { people } = await lobby()
  expect(people.name(ME)).toBe('Me')
  expect(people.name(OTHER)).toBe('…')
  people.want([OTHER])
  await settled(() => people.name(OTHER) === 'other')
})

test('when the connection is stopped nothing of the last person is left', async () => {
  const { connection, room, rooms, drafts } = await lobby(3)
  drafts.write(LOBBY, 'half a word')
  connection.stop()
  expect(drafts.of(LOBBY)).toBe('')
  expect(rooms.list).toEqual([])
  expect(room.openId).toBeNull()
  expect(room.line.entries).toEqual([])
})
