import { expect, test } from 'vitest'

import { clientOf } from '../../test/client'
import { Gateway, ME } from '../../test/gateway'
import { settled } from '../../test/settled'
import type { UserId } from '../core/wire'

test('a name is known from the welcome, and a new one from whoever took it', async () => {
  const { people, connection } = clientOf(new Gateway())
  expect(people.name(ME)).toBe('…')
  connection.start()
  await settled(() => people.name(ME) === 'Me')
  people.meet({ id: ME, name: 'Myself' })
  expect(people.name(ME)).toBe('Myself')
})

test('whoever has no name any more is not nameless', () => {
  const { people } = clientOf(new Gateway())
  people.meet({ id: 'gone' as UserId, name: '' })
  expect(people.name('gone' as UserId)).toBe('Deleted account')
})
