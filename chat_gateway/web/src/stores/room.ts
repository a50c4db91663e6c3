// The open room: its timeline, what is being loaded, what is being sent.
// Timelines of rooms seen before are kept, with what is still on its way in them.

import { defineStore } from 'pinia'
import { v7 as uuidv7 } from 'uuid'
import { computed, ref, shallowRef } from 'vue'

import { sentenceOf } from '../core/errors'
import { Outbox, type Draft } from '../core/outbox'
import * as timeline from '../core/timeline'
import { decodePage, decodePosted, type ClientId, type Page, type RoomId, type UserId } from '../core/wire'
import { useConnection } from './connection'
import { useDrafts } from './drafts'
import { useSession } from './session'

const PAGE = 50
const FILL_PAGE = 200
/** Beyond this the newest page is worth more than the way there. */
const LONGEST_FILL = 400
/** To send the same again would not help. */
const ABOUT_THE_TEXT: ReadonlySet<string> = new Set(['text_too_long', 'empty_text'])

export const useRoom = defineStore('room', () => {
  const connection = useConnection()
  const session = useSession()
  const drafts = useDrafts()
  const openId = ref<RoomId | null>(null)
  const timelines = shallowRef<ReadonlyMap<RoomId, timeline.Timeline>>(new Map())
  const line = computed(() => lineOf(openId.value))
  const loading = ref(false)
  const loadingOlder = ref(false)
  const trouble = ref('')
  const filling = new Set<RoomId>()

  function lineOf(id: RoomId | null): timeline.Timeline {
    return (id === null ? undefined : timelines.value.get(id)) ?? timeline.EMPTY
  }

  function change(id: RoomId, make: (line: timeline.Timeline, me: UserId) => timeline.Timeline): void {
    const me = session.user?.id
    if (me !== undefined) timelines.value = new Map(timelines.value).set(id, make(lineOf(id), me))
  }

  const outbox = new Outbox({
    send: async ({ room, body, clientId }) =>
      decodePosted(await connection.rpc('message.post', { room, body, client_id: clientId })),
    sent: ({ room }, posted) => {
      // The echo comes first; if it did not, its place is a gap now, and is filled.
      change(room, (known) => timeline.raiseHead(known, posted.offset))
      void fill(room)
    },
    refused({ room, clientId, body }, { code, message }) {
      const isBack = ABOUT_THE_TEXT.has(code) && drafts.giveBack(room, body, message)
      change(room, (known) => (isBack ? timeline.discard(known, clientId) : timeline.fail(known, clientId, message)))
    },
    wait: (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000)),
  })

  connection.hear({
    welcomed() {
      outbox.open()
      if (openId.value !== null) void load(openId.value)
    },
    cut: () => outbox.close(),
    positioned(id, { offset, epoch }) {
      const known = timelines.value.get(id)
      if (known === undefined) return
      const other = known.epoch !== '' && known.epoch !== epoch
      change(id, (old) => timeline.raiseHead(other ? timeline.restart(old, epoch) : old, offset))
      if (id === openId.value) void load(id)
    },
    entry(id, entry) {
      if (!timelines.value.has(id)) return
      change(id, (known, me) => timeline.merge(known, [entry], me))
      void fill(id)
    },
    stopped() {
      outbox.clear()
      timelines.value = new Map()
      openId.value = null
    },
  })

  async function page(id: RoomId, where: object): Promise<Page> {
    return decodePage(await connection.rpc('history.page', { room: id, ...where }))
  }

  async function open(id: RoomId): Promise<void> {
    openId.value = id
    connection.prefer(id)
    trouble.value = ''
    await load(id)
  }

  async function load(id: RoomId): Promise<void> {
    if (connection.state !== 'connected') return // welcomed() comes back here
    if (lineOf(id).entries.length === 0) await loadNewest(id)
    else await fill(id)
  }

  async function loadNewest(id: RoomId): Promise<void> {
    if (filling.has(id)) return
    filling.add(id)
    loading.value = true
    await attempt(id, async () => {
      const newest = await page(id, { limit: PAGE })
      change(id, (known, me) => {
        const merged = timeline.mergePage(known, newest, me)
        return newest.entries.length < PAGE ? timeline.reachStart(merged) : merged
      })
    })
    loading.value = false
    filling.delete(id)
    await fill(id)
  }

  /** Closes the gaps between what is held, newest first. */
  async function fill(id: RoomId): Promise<void> {
    const held = lineOf(id)
    if (filling.has(id) || held.entries.length === 0 || timeline.gap(held) === null) return
    filling.add(id)
    await attempt(id, () => fillGaps(id))
    filling.delete(id)
    if (lineOf(id).entries.length === 0) await loadNewest(id)
  }

  async function fillGaps(id: RoomId): Promise<void> {
    for (let gap = timeline.gap(lineOf(id)); gap !== null; gap = timeline.gap(lineOf(id))) {
      if (gap.before - gap.after > LONGEST_FILL) {
        change(id, (known) => timeline.restart(known, known.epoch))
        return
      }
      await fillFrom(id, gap)
    }
  }

  async function fillFrom(id: RoomId, gap: timeline.Gap): Promise<void> {
    const piece = await page(id, { after: gap.after, limit: FILL_PAGE })
    change(id, (known, me) => timeline.mergePage(known, piece, me))
    const left = timeline.gap(lineOf(id))
    if (left?.after === gap.after && left.before === gap.before) throw new Error('the gap did not get smaller')
  }

  async function loadOlder(): Promise<void> {
    const id = openId.value
    const first = line.value.entries[0]
    if (id === null || first === undefined || line.value.atStart || loadingOlder.value) return
    loadingOlder.value = true
    await attempt(id, async () => {
      const older = await page(id, { before: first.offset, limit: PAGE })
      change(id, (known, me) => {
        const merged = timeline.mergePage(known, older, me)
        return older.entries.length < PAGE ? timeline.reachStart(merged) : merged
      })
    })
    loadingOlder.value = false
  }

  async function attempt(id: RoomId, work: () => Promise<void>): Promise<void> {
    try {
      await work()
      if (id === openId.value) trouble.value = ''
    } catch (error) {
      if (id === openId.value && connection.state === 'connected') trouble.value = sentenceOf(error)
    }
  }

  function send(body: string): void {
    if (openId.value === null) return
    const draft: Draft = { room: openId.value, clientId: uuidv7() as ClientId, body }
    const pending = { clientId: draft.clientId, body, at: Date.now(), failure: null }
    change(draft.room, (known, me) => timeline.submit(known, pending, me))
    outbox.add(draft)
  }

  function retry(clientId: ClientId): void {
    const room = openId.value
    const pending = line.value.pending.find((draft) => draft.clientId === clientId)
    if (room === null || pending === undefined) return
    change(room, (known) => timeline.retry(known, clientId))
    outbox.add({ room, clientId, body: pending.body })
  }

  function discard(clientId: ClientId): void {
    if (openId.value !== null) change(openId.value, (known) => timeline.discard(known, clientId))
  }

  /** What was not sent goes back into the composer. */
  function takeBack(clientId: ClientId): void {
    const pending = line.value.pending.find((draft) => draft.clientId === clientId)
    if (openId.value === null || pending === undefined) return
    drafts.takeBack(openId.value, pending.body)
    discard(clientId)
  }

  return { openId, line, loading, loadingOlder, trouble, open, load, loadOlder, send, retry, takeBack, discard }
})
