// One room's past as this client knows it: entries by offset, own messages on their way,
// and where something is missing. Values, never changed in place. Whatever the order in
// which pages, pushes, echoes and answers arrive, the same list comes out: the log's.

import type { ClientId, Entry, Page, UserId } from './wire'

export interface Pending {
  readonly clientId: ClientId
  readonly body: string
  readonly at: number
  readonly failure: string | null
}

export interface Timeline {
  readonly epoch: string
  readonly entries: readonly Entry[]
  readonly pending: readonly Pending[]
  /** The highest offset known to exist, held here or not. */
  readonly head: number
  /** True when nothing older than the first entry exists. */
  readonly atStart: boolean
}

export interface Gap {
  readonly after: number
  readonly before: number
}

export const EMPTY: Timeline = { epoch: '', entries: [], pending: [], head: 0, atStart: false }

function union(known: readonly Entry[], more: readonly Entry[]): readonly Entry[] {
  const last = known.at(-1)
  const first = more[0]
  const follows = last === undefined || (first !== undefined && first.offset > last.offset)
  if (follows && more.length <= 1) return [...known, ...more]
  const byOffset = new Map(known.map((entry) => [entry.offset, entry]))
  for (const entry of more) byOffset.set(entry.offset, entry)
  return [...byOffset.values()].sort((a, b) => a.offset - b.offset)
}

function withoutEchoed(pending: readonly Pending[], entries: readonly Entry[], me: UserId): readonly Pending[] {
  if (pending.length === 0) return pending
  const echoed = new Set(entries.filter((entry) => entry.author === me).map((entry) => entry.clientId))
  return pending.filter((draft) => !echoed.has(draft.clientId))
}

/** Adds entries from anywhere; an own message that was waiting gives way to its echo. */
export function merge(line: Timeline, entries: readonly Entry[], me: UserId): Timeline {
  const merged = union(line.entries, entries)
  return {
    ...line,
    entries: merged,
    pending: withoutEchoed(line.pending, entries, me),
    head: Math.max(line.head, merged.at(-1)?.offset ?? 0),
    atStart: line.atStart || merged[0]?.offset === 1,
  }
}

/** Adds a page of history. A page of another epoch tells of another log: the old one goes. */
export function mergePage(line: Timeline, page: Page, me: UserId): Timeline {
  const base = line.epoch === page.epoch || line.epoch === '' ? line : restart(line, page.epoch)
  return merge({ ...base, epoch: page.epoch, head: Math.max(base.head, page.head) }, page.entries, me)
}

/** Forgets the log, keeps what is on its way: after a new epoch, or too long an absence. */
export function restart(line: Timeline, epoch: string): Timeline {
  return { ...EMPTY, epoch, pending: line.pending }
}

export function reachStart(line: Timeline): Timeline {
  return { ...line, atStart: true }
}

/** The log is known to go up to `offset`: from a position, or from the answer to a post. */
export function raiseHead(line: Timeline, offset: number): Timeline {
  return offset > line.head ? { ...line, head: offset } : line
}

/** Puts an own message at the end. Does nothing if it is there already, waiting or in the log. */
export function submit(line: Timeline, draft: Pending, me: UserId): Timeline {
  if (line.pending.some((other) => other.clientId === draft.clientId)) return line
  const pending = withoutEchoed([...line.pending, draft], line.entries, me)
  return { ...line, pending }
}

function change(line: Timeline, clientId: ClientId, failure: string | null): Timeline {
  const pending = line.pending.map((draft) => (draft.clientId === clientId ? { ...draft, failure } : draft))
  return { ...line, pending }
}

export function fail(line: Timeline, clientId: ClientId, reason: string): Timeline {
  return change(line, clientId, reason)
}

export function retry(line: Timeline, clientId: ClientId): Timeline {
  return change(line, clientId, null)
}

export function discard(line: Timeline, clientId: ClientId): Timeline {
  return { ...line, pending: line.pending.filter((draft) => draft.clientId !== clientId) }
}

/** The newest stretch that exists but is not held: between two entries, or below the head. */
export function gap(line: Timeline): Gap | null {
  let before = line.head + 1
  for (const entry of line.entries.toReversed()) {
    if (entry.offset < before - 1) return { after: entry.offset, before }
    before = entry.offset
  }
  return null
}
