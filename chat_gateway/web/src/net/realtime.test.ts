import { afterEach, expect, test, vi } from 'vitest'

import { Gateway, OTHER } from '../../test/gateway'
import { settled } from '../../test/settled'
import { ApiError, RpcError } from '../core/errors'
import { Realtime } from './realtime'

let open: Realtime | null = null
afterEach(() => {
  open?.disconnect()
  open = null
  vi.restoreAllMocks()
  vi.useRealTimers()
})

function dial(gateway: Gateway, token = () => Promise.resolve('t')) {
  const told: string[] = []
  const realtime = new Realtime(
    'ws://localhost/connection/websocket',
    token,
    {
      connecting: () => told.push('connecting'),
      connected: () => told.push('connected'),
      ended: (reason, expired) => told.push(`ended ${expired ? 'expired' : reason}`),
      positioned: (channel, { offset, epoch }) => told.push(`${channel} at ${offset} of ${epoch}`),
      published: (channel, _, offset) => told.push(`${channel} published ${offset}`),
      unsubscribed: (channel) => told.push(`${channel} gone`),
      essential: (channel) => channel === 'room:lobby',
    },
    gateway.socket,
  )
  open = realtime
  realtime.connect()
  return { realtime, told }
}

test('positions come before publications, and missed ones are recovered', async () => {
  const gateway = new Gateway()
  gateway.push(gateway.say(OTHER, 'before'))
  const { told } = dial(gateway)
  await settled(() => told.includes('room:lobby at 1 of e1'))
  gateway.push(gateway.say(OTHER, 'live'))
  await settled(() => told.includes('room:lobby published 2'))
  gateway.cut()
  gateway.say(OTHER, 'missed')
  await settled(() => told.includes('room:lobby published 3'))
  const lobby = told.filter((word) => word.startsWith('room:'))
  expect(lobby).toEqual([
    'room:lobby at 1 of e1',
    'room:lobby published 2',
    'room:lobby at 2 of e1',
    'room:lobby published 3',
  ])
})

test('an rpc answers its data, or raises its code', async () => {
  const gateway = new Gateway()
  const { realtime } = dial(gateway)
  const post = { room: 'lobby', body: 'hi', client_id: 'c' }
  expect(await realtime.rpc('message.post', post)).toMatchObject({ offset: 1 })
  gateway.refusals.push({ code: 403, message: 'not_allowed' })
  await expect(realtime.rpc('message.post', post)).rejects.toMatchObject({ code: 'not_allowed', temporary: false })
  gateway.refusals.push({ code: 100, message: 'store_unavailable', temporary: true })
  await expect(realtime.rpc('message.post', post)).rejects.toBeInstanceOf(RpcError)
})

test('a refused token is replaced once', async () => {
  const gateway = new Gateway()
  gateway.refuseConnect = { code: 3500, reason: 'invalid token' }
  const tokens = ['bad', 'good']
  const { told } = dial(gateway, () => Promise.resolve(tokens.shift() ?? 'none'))
  await settled(() => told.includes('connected'))
  expect(gateway.tokens).toEqual(['bad', 'good'])
  expect(told.some((word) => word.startsWith('ended'))).toBe(false)
})

test('a token refused twice in a row ends the session', async () => {
  const gateway = new Gateway()
  gateway.refuseConnect = { code: 3500, reason: 'invalid token' }
  const { told } = dial(gateway, () => {
    gateway.refuseConnect = { code: 3500, reason: 'invalid token' }
    return Promise.resolve('bad')
  })
  await settled(() => told.includes('ended expired'))
  expect(gateway.tokens).toEqual(['bad', 'bad'])
})

test('who is sent away asks once more: a session that is over ends, another goes on', async () => {
  const gateway = new Gateway()
  let isOver = false
  const { told } = dial(gateway, () =>
    isOver ? Promise.reject(new ApiError(401, 'session_expired')) : Promise.resolve('t'),
  )
  await settled(() => told.includes('connected'))
  gateway.cut(3503, 'force disconnect')
  await settled(() => told.filter((word) => word === 'connected').length === 2)
  isOver = true
  gateway.cut(3503, 'force disconnect')
  await settled(() => told.includes('ended expired'))
})

test('who is sent away twice in a row is told so', async () => {
  const gateway = new Gateway()
  const { told } = dial(gateway, () => {
    gateway.refuseConnect = { code: 3503, reason: 'force disconnect' }
    return Promise.resolve('t')
  })
  await settled(() => told.includes('ended The server closed the connection.'))
  expect(gateway.tokens).toHaveLength(2)
})

test('no session ends it, an unreachable server does not', async () => {
  const { told } = dial(new Gateway(), () => Promise.reject(new ApiError(401, 'session_expired')))
  await settled(() => told.includes('ended expired'))

  let tries = 0
  const { told: later } = dial(new Gateway(), () => {
    tries += 1
    return tries === 1 ? Promise.reject(new ApiError(0, 'unreachable')) : Promise.resolve('t')
  })
  await settled(() => later.includes('connected'))
  expect(later.filter((word) => word.startsWith('ended'))).toEqual([])
})

test.each([
  [3504, 'Too many connections are open. Close another tab first.'],
  [4500, 'The server closed the connection (4500).'],
])('a terminal close %i tells why', async (code, reason) => {
  const gateway = new Gateway()
  const { told } = dial(gateway)
  await settled(() => told.includes('connected'))
  gateway.cut(code, 'terminal')
  expect(told.at(-1)).toBe(`ended ${reason}`)
})

async function connected(gateway: Gateway) {
  vi.useFakeTimers()
  vi.spyOn(Math, 'random').mockReturnValue(0.5) // the library's back-off has a jitter
  const { told } = dial(gateway)
  await vi.advanceTimersByTimeAsync(10)
  expect(told).toContain('connected')
  return told
}

const ALL = ['room:lobby', 'room:side', 'user:me']
const LESS = ['room:lobby']

test('after two failed connects only the essential position is sent, and all again once it is connected', async () => {
  const gateway = new Gateway()
  gateway.side = []
  const told = await connected(gateway)
  gateway.drops = 3
  gateway.cut()
  gateway.say(OTHER, 'missed')
  gateway.say(OTHER, 'missed', undefined, gateway.side)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(gateway.positions).toEqual([[], ALL, ALL, LESS, LESS])
  expect(told.slice(-4)).toEqual(['room:lobby at 0 of e1', 'room:side at 1 of e1', 'user:me at 0 of e1', 'room:lobby published 1'])

  gateway.cut()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(gateway.positions.slice(5)).toEqual([ALL])
})

test('a server out of reach and an answer later than 15 seconds are failed connects', async () => {
  const gateway = new Gateway()
  gateway.side = []
  await connected(gateway)
  gateway.silent = true
  gateway.cut()
  await vi.advanceTimersByTimeAsync(16_000)
  gateway.silent = false
  gateway.reachable = false
  await vi.advanceTimersByTimeAsync(1)
  gateway.cut()
  await vi.advanceTimersByTimeAsync(20_000)
  gateway.reachable = true
  await vi.advanceTimersByTimeAsync(20_000)
  expect(gateway.positions).toEqual([[], ALL, LESS])
})
