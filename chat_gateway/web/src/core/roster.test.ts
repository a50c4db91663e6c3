import { expect, test } from 'vitest'

import { settled } from '../../test/settled'
import { Roster } from './roster'
import type { Person, UserId } from './wire'

function ids(...names: string[]): UserId[] {
  return names as UserId[]
}

function roster(ask: (wanted: readonly UserId[]) => Promise<Person[]>): { roster: Roster; known: Person[] } {
  const known: Person[] = []
  return { roster: new Roster(ask, (people) => known.push(...people)), known }
}

test('wishes of one turn are one question, and each person is asked for once', async () => {
  const questions: (readonly UserId[])[] = []
  const { roster: people, known } = roster((wanted) => {
    questions.push(wanted)
    return Promise.resolve(wanted.map((id) => ({ id, name: id })))
  })
  people.learn([{ id: 'z' as UserId, name: 'Z' }])
  people.want(ids('a', 'b', 'z'))
  people.want(ids('b', 'c'))
  await settled(() => known.length === 4)
  people.want(ids('a', 'b', 'c'))
  expect(questions).toEqual([['a', 'b', 'c']])
})

test('more than fit in one question are asked in several', async () => {
  const sizes: number[] = []
  const { roster: people, known } = roster((wanted) => {
    sizes.push(wanted.length)
    return Promise.resolve(wanted.map((id) => ({ id, name: id })))
  })
  people.want(Array.from({ length: 501 }, (_, n) => String(n) as UserId))
  await settled(() => known.length === 501)
  expect(sizes).toEqual([500, 1])
})

test('a question that failed is asked again', async () => {
  let tries = 0
  const { roster: people, known } = roster((wanted) => {
    tries += 1
    if (tries === 1) return Promise.reject(new Error('cut'))
    return Promise.resolve(wanted.map((id) => ({ id, name: id })))
  })
  people.want(ids('a'))
  await settled(() => tries === 1)
  await settled(() => {
    people.want(ids('a'))
    return known.length === 1
  })
  expect(tries).toBe(2)
})
