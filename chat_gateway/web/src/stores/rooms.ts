// The rooms I am in, with what is unread in each.

import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'

import { afterMarker, afterPost } from '../core/unread'
import { decodeRoomReply, type Room, type RoomId } from '../core/wire'
import { useConnection } from './connection'
import { useSession } from './session'

const MARKER_DEBOUNCE_MS = 1000

export const useRooms = defineStore('rooms', () => {
  const connection = useConnection()
  const session = useSession()
  const rooms = shallowRef<ReadonlyMap<RoomId, Room>>(new Map())
  const loaded = shallowRef(false)
  const list = computed(() => [...rooms.value.values()].sort((a, b) => a.name.localeCompare(b.name)))
  const unread = computed(() => list.value.reduce((sum, room) => sum + room.unread, 0))
  let markerTimer: ReturnType<typeof setTimeout> | undefined

  function put(room: Room): void {
    rooms.value = new Map(rooms.value).set(room.id, room)
  }

  function drop(id: RoomId): void {
    const rest = new Map(rooms.value)
    rest.delete(id)
    rooms.value = rest
  }

  function update(id: RoomId, change: (room: Room) => Room): void {
    const room = rooms.value.get(id)
    if (room !== undefined) put(change(room))
  }

  function clear(): void {
    clearTimeout(markerTimer)
    rooms.value = new Map()
    loaded.value = false
  }

  connection.hear({
    welcomed(hello) {
      rooms.value = new Map(hello.rooms.map((room) => [room.id, room]))
      loaded.value = true
    },
    entry(id, entry) {
      const me = session.user?.id
      if (entry.kind === 'message' && me !== undefined) update(id, (room) => afterPost(room, entry, me))
    },
    own(entry) {
      if (entry.kind === 'marker') update(entry.room, (room) => afterMarker(room, entry.offset, entry.posts))
      if (entry.kind !== 'room') return
      if (entry.movement === 'joined') void fetch(entry.room)
      else drop(entry.room)
    },
    gone: drop,
    stopped: clear,
  })

  async function fetch(id: RoomId): Promise<void> {
    const room = await look(id)
    if (room.role !== null) put(room)
  }

  /** A room by its id, mine or public. */
  async function look(id: RoomId): Promise<Room> {
    return decodeRoomReply(await connection.rpc('room.get', { room: id }))
  }

  async function join(id: RoomId): Promise<void> {
    put(decodeRoomReply(await connection.rpc('room.join', { room: id })))
  }

  /** All up to `offset` was on the screen. Told to the server once it has been quiet for a second. */
  function see(id: RoomId, offset: number): void {
    if (offset <= (rooms.value.get(id)?.marker ?? Infinity)) return
    clearTimeout(markerTimer)
    markerTimer = setTimeout(() => void mark(id, offset), MARKER_DEBOUNCE_MS)
  }

  async function mark(id: RoomId, offset: number): Promise<void> {
    try {
      await connection.rpc('marker.set', { room: id, offset })
    } catch {
      // Not worth a word: the next look at the room sets it again.
      return
    }
    // The posts at `offset` are only known when it is the newest; else marker.moved tells them.
    update(id, (room) => (offset >= room.head ? afterMarker(room, offset, room.posts) : room))
  }

  return { rooms, list, loaded, unread, look, join, see }
})
