// How many messages of a room I have not seen, from running counts only: the room's posts
// less the posts at my marker. Never counts entries, so it is right without the history.

import type { MessagePosted, Room, UserId } from './wire'

function readUpTo(room: Room, offset: number, posts: number): Room {
  if (offset <= room.marker) return room
  return { ...room, marker: offset, unread: Math.max(0, room.posts - posts) }
}

/** A message arrived. A post moves its author's marker: my own leaves nothing unread. */
export function afterPost(room: Room, message: MessagePosted, me: UserId): Room {
  const head = Math.max(room.head, message.offset)
  const added = message.posts - room.posts
  if (added <= 0) return { ...room, head }
  const counted = { ...room, head, posts: message.posts, unread: room.unread + added }
  return message.author === me ? readUpTo(counted, message.offset, message.posts) : counted
}

/** My marker moved, here or on another device. It only moves forward. */
export function afterMarker(room: Room, offset: number, posts: number): Room {
  return readUpTo(room, offset, posts)
}
