// What the gateway says, decoded into our own types.
// Strict about what we need, blind to what we do not know: a newer server may add fields
// and entry kinds. Does no I/O.

import { fields, list, number, text } from './fields'

type Branded<Name extends string> = string & { readonly __brand: Name }
export type UserId = Branded<'UserId'>
export type RoomId = Branded<'RoomId'>
export type EntryId = Branded<'EntryId'>
export type ClientId = Branded<'ClientId'>

export interface Person {
  readonly id: UserId
  readonly name: string
}

export interface Room {
  readonly id: RoomId
  readonly name: string
  readonly kind: 'public' | 'private'
  readonly topic: string
  readonly role: 'owner' | 'admin' | 'member' | null
  readonly head: number
  readonly posts: number
  readonly marker: number
  readonly unread: number
}

interface EntryHead {
  readonly offset: number
  readonly id: EntryId
  readonly at: number
  readonly author: UserId
  readonly clientId: ClientId
}
export interface MessagePosted extends EntryHead {
  readonly kind: 'message'
  readonly body: string
  readonly posts: number
}
export type Movement = 'joined' | 'left' | 'removed'
export interface MemberMoved extends EntryHead {
  readonly kind: 'member'
  readonly movement: Movement
  readonly subject: UserId
}
/** A kind this version does not show; it keeps its place so that no hole is seen there. */
export interface OtherEntry extends EntryHead {
  readonly kind: 'other'
}
export type Entry = MessagePosted | MemberMoved | OtherEntry

export type UserEntry =
  | { readonly kind: 'room'; readonly movement: Movement; readonly room: RoomId }
  | { readonly kind: 'marker'; readonly room: RoomId; readonly offset: number; readonly posts: number }
  | { readonly kind: 'other' }

/** Of one message. */
export interface TextLimits {
  readonly characters: number
  readonly bytes: number
}
export interface Hello {
  readonly user: Person
  readonly rooms: readonly Room[]
  /** Null from a gateway that does not tell. */
  readonly limits: TextLimits | null
}
export interface Page {
  readonly entries: readonly Entry[]
  readonly head: number
  readonly epoch: string
}
export interface Posted {
  readonly id: EntryId
  readonly offset: number
  readonly at: number
}

export function decodePerson(data: unknown): Person {
  const from = fields(data)
  return { id: text(from, 'id') as UserId, name: text(from, 'name') }
}

export function decodeRoom(data: unknown): Room {
  const from = fields(data)
  const role = from.role
  return {
    id: text(from, 'id') as RoomId,
    name: text(from, 'name'),
    kind: from.kind === 'private' ? 'private' : 'public',
    topic: text(from, 'topic', ''),
    role: role === 'owner' || role === 'admin' || role === 'member' ? role : null,
    head: number(from, 'head', 0),
    posts: number(from, 'posts', 0),
    marker: number(from, 'marker', 0),
    unread: number(from, 'unread', 0),
  }
}

const MOVEMENTS: Readonly<Record<string, Movement>> = {
  'member.joined': 'joined',
  'member.left': 'left',
  'member.removed': 'removed',
  'room.joined': 'joined',
  'room.left': 'left',
  'room.removed': 'removed',
}

/** An entry of a room's log; a publication brings its offset beside the data, a page inside. */
export function decodeEntry(data: unknown, offset?: number): Entry {
  const from = fields(data)
  const head: EntryHead = {
    offset: offset ?? number(from, 'offset'),
    id: text(from, 'id') as EntryId,
    at: number(from, 'at'),
    author: text(from, 'author') as UserId,
    clientId: text(from, 'client_id', '') as ClientId,
  }
  const type = text(from, 'type')
  if (type === 'message.posted') {
    const body = text(fields(from.content), 'body', '')
    return { ...head, kind: 'message', body, posts: number(from, 'posts', 0) }
  }
  const movement = MOVEMENTS[type]
  if (movement === undefined) return { ...head, kind: 'other' }
  return { ...head, kind: 'member', movement, subject: text(from, 'subject') as UserId }
}

/** An entry of one's own user log. */
export function decodeUserEntry(data: unknown): UserEntry {
  const from = fields(data)
  const type = text(from, 'type')
  const movement = MOVEMENTS[type]
  if (movement === undefined && type !== 'marker.moved') return { kind: 'other' }
  const content = fields(from.content)
  const room = text(content, 'room') as RoomId
  if (movement !== undefined) return { kind: 'room', movement, room }
  return { kind: 'marker', room, offset: number(content, 'offset'), posts: number(content, 'posts', 0) }
}

export function decodeHello(data: unknown): Hello {
  const from = fields(data)
  return { user: decodePerson(from.user), rooms: list(from, 'rooms', decodeRoom), limits: decodeLimits(from.limits) }
}

function decodeLimits(data: unknown): TextLimits | null {
  if (data === undefined || data === null) return null
  const from = fields(data)
  return { characters: number(from, 'text_characters'), bytes: number(from, 'text_bytes') }
}

export function decodePage(data: unknown): Page {
  const from = fields(data)
  return {
    entries: list(from, 'entries', (item) => decodeEntry(item)),
    head: number(from, 'head', 0),
    epoch: text(from, 'epoch', ''),
  }
}

export function decodePeople(data: unknown): Person[] {
  return list(fields(data), 'people', decodePerson)
}

export function decodePosted(data: unknown): Posted {
  const from = fields(data)
  return { id: text(from, 'id') as EntryId, offset: number(from, 'offset'), at: number(from, 'at') }
}

export function decodeRoomReply(data: unknown): Room {
  return decodeRoom(fields(data).room)
}
