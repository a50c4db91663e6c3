import { expect, test } from 'vitest'

import { onlyPositions } from './positions'

const OPEN = { recover: true, offset: 7, epoch: 'e1' }

function trimmed(commands: object[], wanted = (channel: string): boolean => channel === 'room:open'): unknown[] {
  const text = commands.map((command) => JSON.stringify(command)).join('\n')
  return onlyPositions(text, wanted)
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
}

test('a connect keeps the positions that are wanted, and all else it says', () => {
  const connect = { token: 't', name: 'n', subs: { 'room:open': OPEN, 'room:other': OPEN, 'user:me': OPEN } }
  expect(trimmed([{ id: 1, connect }])).toEqual([{ id: 1, connect: { ...connect, subs: { 'room:open': OPEN } } }])
  expect(trimmed([{ id: 1, connect }], () => false)).toEqual([{ id: 1, connect: { ...connect, subs: {} } }])
})

test('a connect without positions, and what follows it in the same send, stay as they are', () => {
  const commands = [{ id: 1, connect: { token: 't' } }, { id: 2, subscribe: { channel: 'live:open', recover: true } }]
  expect(trimmed(commands)).toEqual(commands)
})
