import { expect, test } from 'vitest'

import { settled } from '../../test/settled'
import { RpcError } from './errors'
import { Outbox, type Draft } from './outbox'
import type { ClientId, EntryId, Posted, RoomId } from './wire'

function draft(body: string): Draft {
  return { room: 'lobby' as RoomId, clientId: body as ClientId, body }
}

/** Answers each send with the next outcome: an error to throw, or success when there is none. */
function outboxWith(...outcomes: (Error | undefined)[]) {
  const told: string[] = []
  const waits: number[] = []
  const outbox = new Outbox({
    send({ body }): Promise<Posted> {
      told.push(`send ${body}`)
      const outcome = outcomes.shift()
      return outcome ? Promise.reject(outcome) : Promise.resolve({ id: 'm' as EntryId, offset: 1, at: 0 })
    },
    sent: ({ body }) => told.push(`sent ${body}`),
    refused: ({ body }, { message }) => told.push(`refused ${body}: ${message}`),
    wait(seconds) {
      waits.push(seconds)
      return Promise.resolve()
    },
  })
  return { outbox, told, waits }
}

const BUSY = RpcError.of(100, 'store_unavailable', true)
const LIMIT = RpcError.of(429, 'rate_limited retry_after=3', true)
const REFUSED = RpcError.of(403, 'not_allowed', false)

test('nothing is sent before the connection is there', async () => {
  const { outbox, told } = outboxWith()
  outbox.add(draft('a'))
  outbox.add(draft('b'))
  expect(told).toEqual([])
  outbox.open()
  await settled(() => told.length === 4)
  expect(told).toEqual(['send a', 'sent a', 'send b', 'sent b'])
})

test('a temporary error is tried again, in order, with growing waits', async () => {
  const { outbox, told, waits } = outboxWith(BUSY, BUSY, LIMIT)
  outbox.open()
  outbox.add(draft('a'))
  outbox.add(draft('b'))
  await settled(() => told.includes('sent b'))
  expect(told).toEqual(['send a', 'send a', 'send a', 'send a', 'sent a', 'send b', 'sent b'])
  expect(waits).toEqual([0.5, 1, 3])
})

test('a refused message does not hold up the next', async () => {
  const { outbox, told } = outboxWith(REFUSED)
  outbox.open()
  outbox.add(draft('a'))
  outbox.add(draft('b'))
  await settled(() => told.includes('sent b'))
  expect(told[1]).toBe('refused a: You may not do this. Ask an administrator.')
})

test('an unreadable answer is a refusal too', async () => {
  const { outbox, told } = outboxWith(new TypeError('no id'))
  outbox.open()
  outbox.add(draft('a'))
  await settled(() => told.length === 2)
  expect(told[1]).toContain('refused a')
})

test('a closed outbox waits, a cleared one forgets', async () => {
  const { outbox, told } = outboxWith()
  outbox.open()
  outbox.close()
  outbox.add(draft('a'))
  outbox.clear()
  outbox.open()
  outbox.add(draft('b'))
  await settled(() => told.includes('sent b'))
  expect(told).toEqual(['send b', 'sent b'])
})
