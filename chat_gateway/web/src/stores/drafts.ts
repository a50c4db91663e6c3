// What is being written, room by room, and why the server would not take it where it was sent back.

import { defineStore } from 'pinia'
import { ref } from 'vue'

import { MOST } from '../core/draft'
import type { RoomId, TextLimits } from '../core/wire'
import { useConnection } from './connection'

export const useDrafts = defineStore('drafts', () => {
  const texts = ref<ReadonlyMap<RoomId, string>>(new Map())
  const refusals = ref<ReadonlyMap<RoomId, string>>(new Map())
  const limits = ref<TextLimits>(MOST)
  /** Counts how often a text came back by the writer's wish: the composer takes the focus. */
  const taken = ref(0)

  useConnection().hear({
    welcomed(hello) {
      limits.value = hello.limits ?? MOST
    },
    stopped() {
      texts.value = new Map()
      refusals.value = new Map()
    },
  })

  function of(room: RoomId): string {
    return texts.value.get(room) ?? ''
  }

  function write(room: RoomId, text: string): void {
    put(room, text, '')
  }

  function put(room: RoomId, text: string, refusal: string): void {
    texts.value = new Map(texts.value).set(room, text)
    refusals.value = new Map(refusals.value).set(room, refusal)
  }

  /** A refused text goes back to where it was written. False if another one stands there by now. */
  function giveBack(room: RoomId, text: string, refusal: string): boolean {
    if (of(room) !== '') return false
    put(room, text, refusal)
    return true
  }

  /** Back into the composer, before what stands there. */
  function takeBack(room: RoomId, text: string): void {
    const there = of(room)
    write(room, there === '' ? text : `${text}\n${there}`)
    taken.value += 1
  }

  return { texts, refusals, limits, taken, of, write, giveBack, takeBack }
})
