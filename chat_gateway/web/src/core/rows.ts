// What the transcript shows, line by line: days, quiet notices, messages in groups.
// A group is one author's messages in a row, each within five minutes of the one before.

import type { Pending, Timeline } from './timeline'
import type { ClientId, MemberMoved, UserId } from './wire'

export interface DayRow {
  readonly kind: 'day'
  readonly key: string
  readonly at: number
}
export interface NoticeRow {
  readonly kind: 'notice'
  readonly key: string
  readonly entry: MemberMoved
}
export interface MessageRow {
  readonly kind: 'message'
  readonly key: string
  readonly clientId: ClientId
  readonly author: UserId
  readonly own: boolean
  readonly body: string
  readonly at: number
  readonly state: 'sent' | 'sending' | 'failed'
  readonly failure: string
  readonly opensGroup: boolean
}
export type Row = DayRow | NoticeRow | MessageRow

const GROUP_MS = 5 * 60_000

type Line = MemberMoved | Omit<MessageRow, 'opensGroup'>

function pendingLine(draft: Pending, me: UserId): Line {
  const { clientId, body, at, failure } = draft
  const state = failure === null ? 'sending' : 'failed'
  const key = `${me}/${clientId}`
  return { kind: 'message', key, clientId, author: me, own: true, body, at, state, failure: failure ?? '' }
}

function* lines(timeline: Timeline, me: UserId): Generator<Line> {
  for (const entry of timeline.entries) {
    if (entry.kind === 'member') yield entry
    if (entry.kind !== 'message') continue
    const { clientId, author, body, at } = entry
    // The same key as while it was pending: the echo takes over the element on the page.
    const key = `${author}/${clientId}`
    yield { kind: 'message', key, clientId, author, own: author === me, body, at, state: 'sent', failure: '' }
  }
  for (const draft of timeline.pending) yield pendingLine(draft, me)
}

/** `dayOf` names the local day of a time, so that this stays free of clocks and zones. */
export function rows(timeline: Timeline, me: UserId, dayOf: (at: number) => string): Row[] {
  const result: Row[] = []
  let day = ''
  let previous: Line | null = null
  for (const line of lines(timeline, me)) {
    const today = dayOf(line.at)
    if (today !== day) {
      result.push({ kind: 'day', key: `day/${today}`, at: line.at })
      previous = null
      day = today
    }
    if (line.kind === 'member') {
      result.push({ kind: 'notice', key: line.id, entry: line })
    } else {
      result.push({ ...line, opensGroup: !continues(previous, line) })
    }
    previous = line
  }
  return result
}

function continues(previous: Line | null, line: Omit<MessageRow, 'opensGroup'>): boolean {
  return previous?.kind === 'message' && previous.author === line.author && line.at - previous.at < GROUP_MS
}
