// Entries for tests, short to write.

import type { ClientId, EntryId, MemberMoved, MessagePosted, UserId } from '../src/core/wire'

export function posted(offset: number, author = 'other', body = `body ${offset}`): MessagePosted {
  return {
    kind: 'message',
    offset,
    id: `m${offset}` as EntryId,
    at: offset * 1000,
    author: author as UserId,
    clientId: `c${offset}` as ClientId,
    body,
    posts: offset,
  }
}

export function joined(offset: number, subject = 'other'): MemberMoved {
  return {
    kind: 'member',
    movement: 'joined',
    offset,
    id: `j${offset}` as EntryId,
    at: offset * 1000,
    author: subject as UserId,
    clientId: `c${offset}` as ClientId,
    subject: subject as UserId,
  }
}
