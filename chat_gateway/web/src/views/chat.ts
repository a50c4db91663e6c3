// The stores of the chat, and the connection that feeds them, for the pages that need a session.

import { onMounted } from 'vue'

import { useConnection } from '../stores/connection'
import { usePeople } from '../stores/people'
import { useRoom } from '../stores/room'
import { useRooms } from '../stores/rooms'

export function useChat() {
  // Set up in this order: rooms and names are told what arrived before the open room is.
  const rooms = useRooms()
  const people = usePeople()
  const room = useRoom()
  const connection = useConnection()
  onMounted(() => connection.start())
  return { rooms, people, room, connection }
}
