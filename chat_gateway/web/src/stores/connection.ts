// The one connection: its state, rpc, and what arrives over it, decoded and handed on in the
// order it came. Stores that want to hear call `hear` when they are set up.

import { defineStore } from 'pinia'
import { ref } from 'vue'

import {
  decodeEntry,
  decodeHello,
  decodeUserEntry,
  type Entry,
  type Hello,
  type RoomId,
  type UserEntry,
} from '../core/wire'
import type { Listener, Position, Realtime } from '../net/realtime'
import { dialKey, given } from './ports'
import { useSession } from './session'

export interface Hearer {
  welcomed?(hello: Hello): void
  cut?(): void
  positioned?(room: RoomId, position: Position): void
  entry?(room: RoomId, entry: Entry): void
  own?(entry: UserEntry): void
  gone?(room: RoomId): void
  stopped?(): void
}

const ROOM = 'room:'
const USER = 'user:'

export const useConnection = defineStore('connection', () => {
  const dial = given(dialKey)
  const session = useSession()
  const state = ref<'connecting' | 'connected' | 'disconnected'>('connecting')
  const reason = ref('')
  const wasConnected = ref(false)
  const hearers: Hearer[] = []
  let realtime: Realtime | null = null
  let preferred: RoomId | null = null

  function tell(say: (hearer: Hearer) => void): void {
    hearers.forEach(say)
  }

  function ofRoom(channel: string, say: (room: RoomId) => void): void {
    if (channel.startsWith(ROOM)) say(channel.slice(ROOM.length) as RoomId)
  }

  const listener: Listener = {
    connecting() {
      state.value = 'connecting'
      reason.value = ''
      tell((hearer) => hearer.cut?.())
    },
    connected(data) {
      const hello = decodeHello(data)
      session.meet(hello.user)
      state.value = 'connected'
      wasConnected.value = true
      tell((hearer) => hearer.welcomed?.(hello))
    },
    ended(why, expired) {
      state.value = 'disconnected'
      reason.value = why
      tell((hearer) => hearer.cut?.())
      if (expired) {
        stop()
        session.lose()
      }
    },
    positioned(channel, position) {
      ofRoom(channel, (room) => tell((hearer) => hearer.positioned?.(room, position)))
    },
    published(channel, data, offset) {
      ofRoom(channel, (room) => {
        const entry = decodeEntry(data, offset)
        tell((hearer) => hearer.entry?.(room, entry))
      })
      if (!channel.startsWith(USER)) return
      const own = decodeUserEntry(data)
      tell((hearer) => hearer.own?.(own))
    },
    unsubscribed(channel) {
      ofRoom(channel, (room) => tell((hearer) => hearer.gone?.(room)))
    },
    // The rooms and their counts come with every welcome, so one's own log is not among them.
    essential: (channel) => preferred !== null && channel === ROOM + preferred,
  }

  function start(): void {
    realtime ??= dial(listener)
    realtime.connect()
  }

  /** Ends it and lets everybody forget: the next person must not see what this one had. */
  function stop(): void {
    realtime?.disconnect()
    realtime = null
    preferred = null
    wasConnected.value = false
    state.value = 'connecting'
    tell((hearer) => hearer.stopped?.())
  }

  async function rpc(method: string, data: object): Promise<unknown> {
    if (realtime === null) throw new Error('rpc before start')
    return realtime.rpc(method, data)
  }

  /** What this room missed is wanted first when a connect is too much to answer. */
  function prefer(room: RoomId): void {
    preferred = room
  }

  function hear(hearer: Hearer): void {
    hearers.push(hearer)
  }

  return { state, reason, wasConnected, start, stop, rpc, prefer, hear }
})
