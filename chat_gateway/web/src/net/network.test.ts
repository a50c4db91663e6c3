// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { Gateway } from '../../test/gateway'
import { networkOf } from './network'
import { Realtime } from './realtime'

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(Math, 'random').mockReturnValue(0.5) // the library's back-off has a jitter
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

function online(): void {
  window.dispatchEvent(new Event('online'))
}

function look(state: DocumentVisibilityState): void {
  vi.spyOn(document, 'visibilityState', 'get').mockReturnValue(state)
  document.dispatchEvent(new Event('visibilitychange'))
}

function heard(): string[] {
  const events: string[] = []
  const network = networkOf(window)
  for (const type of ['online', 'offline']) network.addEventListener(type, () => events.push(type))
  return events
}

test('a page that is looked at again is as good as a network that is back', () => {
  const events = heard()
  look('hidden')
  expect(events).toEqual([])
  look('visible')
  expect(events).toEqual(['online'])
  window.dispatchEvent(new Event('offline'))
  expect(events).toEqual(['online', 'offline'])
})

test('a page looked at while the network is away waits for it', () => {
  const events = heard()
  vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(false)
  look('visible')
  expect(events).toEqual([])
  vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(true)
  online()
  expect(events).toEqual(['online'])
})

test('many reasons in one second make two tries, the second when the second is over', () => {
  const events = heard()
  for (let n = 0; n < 10; n += 1) online()
  expect(events).toHaveLength(1)
  vi.advanceTimersByTime(999)
  expect(events).toHaveLength(1)
  vi.advanceTimersByTime(1)
  expect(events).toHaveLength(2)
  vi.advanceTimersByTime(10_000)
  expect(events).toHaveLength(2)
})

async function connected() {
  const gateway = new Gateway()
  const told: string[] = []
  const note = (word: string) => () => void told.push(word)
  const realtime = new Realtime(
    'ws://localhost',
    () => Promise.resolve('t'),
    {
      connecting: note('connecting'),
      connected: note('connected'),
      ended: note('ended'),
      positioned: note('positioned'),
      published: note('published'),
      unsubscribed: note('unsubscribed'),
      essential: () => false,
    },
    gateway.socket,
    networkOf(window),
  )
  realtime.connect()
  await vi.advanceTimersByTimeAsync(10)
  expect(told).toContain('connected')
  return { gateway, realtime, told }
}

test('back-off ends at once when the page is looked at, and a connection that works is left alone', async () => {
  const { gateway, realtime, told } = await connected()
  gateway.reachable = false
  gateway.cut()
  await vi.advanceTimersByTimeAsync(60_000)
  // Now the tries are far apart: right after a failed one nothing happens by itself for a while.
  const tried = gateway.dials
  gateway.reachable = true
  look('visible')
  await vi.advanceTimersByTimeAsync(10)
  expect(gateway.dials).toBe(tried + 1)
  expect(told.at(-1)).not.toBe('connecting')

  await vi.advanceTimersByTimeAsync(2000)
  look('visible')
  online()
  await vi.advanceTimersByTimeAsync(2000)
  expect(gateway.dials).toBe(tried + 1)
  expect(told).not.toContain('ended')
  realtime.disconnect()
})

test('a try that is under way is not doubled', async () => {
  const { gateway, realtime } = await connected()
  gateway.silent = true
  gateway.cut()
  await vi.advanceTimersByTimeAsync(3000)
  const tried = gateway.dials
  for (let n = 0; n < 5; n += 1) {
    look('visible')
    await vi.advanceTimersByTimeAsync(1000)
  }
  expect(gateway.dials).toBe(tried)
  realtime.disconnect()
})

test('after the end for good nothing dials', async () => {
  const { gateway, realtime } = await connected()
  realtime.disconnect()
  look('visible')
  await vi.advanceTimersByTimeAsync(10_000)
  expect(gateway.dials).toBe(1)
})
