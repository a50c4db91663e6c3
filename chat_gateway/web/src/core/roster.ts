// Who is who: names by user id, asked for in batches, each id once.
// Does no I/O itself: `ask` fetches, `known` is told what came.

import type { Person, UserId } from './wire'

const BATCH = 500

export class Roster {
  readonly #known = new Map<UserId, Person>()
  readonly #asked = new Set<UserId>()
  #wanted = new Set<UserId>()
  #scheduled = false

  constructor(
    private readonly ask: (ids: readonly UserId[]) => Promise<readonly Person[]>,
    private readonly known: (people: readonly Person[]) => void,
  ) {}

  learn(people: readonly Person[]): void {
    for (const person of people) this.#known.set(person.id, person)
    this.known(people)
  }

  /** Asks for those not known yet, all wishes of one turn together. */
  want(ids: Iterable<UserId>): void {
    for (const id of ids) {
      if (!this.#known.has(id) && !this.#asked.has(id)) this.#wanted.add(id)
    }
    if (this.#wanted.size === 0 || this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => void this.#fetch())
  }

  async #fetch(): Promise<void> {
    const ids = [...this.#wanted]
    this.#wanted = new Set()
    this.#scheduled = false
    for (const id of ids) this.#asked.add(id)
    for (let from = 0; from < ids.length; from += BATCH) await this.#fetchBatch(ids.slice(from, from + BATCH))
  }

  async #fetchBatch(ids: readonly UserId[]): Promise<void> {
    try {
      this.learn(await this.ask(ids))
    } catch {
      // Asked again when the name is next wanted: a lost connection must not leave a nameless author.
      for (const id of ids) this.#asked.delete(id)
    }
  }
}
