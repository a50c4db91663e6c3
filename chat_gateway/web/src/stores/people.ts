// Names for the ids in the logs, fetched as they are needed.

import { defineStore } from 'pinia'
import { shallowRef } from 'vue'

import { Roster } from '../core/roster'
import { decodePeople, type Person, type UserId } from '../core/wire'
import { useConnection } from './connection'

/** Whoever has deleted his account has no name any more; what he wrote stays. */
const GONE = 'Deleted account'

export const usePeople = defineStore('people', () => {
  const connection = useConnection()
  const people = shallowRef<ReadonlyMap<UserId, Person>>(new Map())
  const roster = new Roster(
    async (users) => decodePeople(await connection.rpc('people.get', { users })),
    (learned) => {
      people.value = new Map([...people.value, ...learned.map((person) => [person.id, person] as const)])
    },
  )
  connection.hear({ welcomed: (hello) => roster.learn([hello.user]) })

  function name(id: UserId): string {
    const person = people.value.get(id)
    return person === undefined ? '…' : person.name || GONE
  }

  function meet(person: Person): void {
    roster.learn([person])
  }

  function want(ids: Iterable<UserId>): void {
    roster.want(ids)
  }

  return { people, name, meet, want }
})
