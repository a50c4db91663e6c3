// A form that sends something: busy meanwhile, then done, or refused. What is wrong with a field is said at
// its box, and the first such box gets the focus; anything else is said of the form. One submit at a time.

import { inject, nextTick, reactive, type InjectionKey } from 'vue'

import { ApiError, Failure, sentenceOf } from '../core/errors'
import { marksOf } from '../core/marks'

/** A wait that is over by the time its sentence is read is not worth a word. */
const SHORT_SECONDS = 1

export interface Box {
  readonly label: string
  focus(): void
  isEmpty(): boolean
}

export type Form = ReturnType<typeof useForm>

/** The form a box is in, and the name its parts are known by in tests. */
export const formKey: InjectionKey<{ readonly form: Form; readonly id: string }> = Symbol('form')

export function ownForm(): { readonly form: Form; readonly id: string } {
  const own = inject(formKey)
  if (own === undefined) throw new Error('a box stands in a form')
  return own
}

/** `boxOf` says which box a field of the answer belongs to, where it is not the one of the same name. */
export function useForm(send: () => Promise<void>, boxOf: (field: string, code: string) => string = (field) => field) {
  const boxes = new Map<string, Box>()
  const marks: Record<string, string> = {}
  const state = reactive({ error: '', wait: 0, busy: false, done: '', marks })

  function reset(): void {
    Object.assign(state, { error: '', wait: 0, done: '', marks: {} })
  }

  /** True when it was done. */
  async function submit(): Promise<boolean> {
    if (state.busy) return false
    reset()
    state.busy = true
    try {
      await send()
      return true
    } catch (failure) {
      refuse(failure)
      return false
    } finally {
      state.busy = false
    }
  }

  function refuse(failure: unknown): void {
    const seconds = failure instanceof Failure ? (failure.retryAfter ?? 0) : 0
    state.wait = seconds > SHORT_SECONDS ? seconds : 0
    if (failure instanceof ApiError) {
      state.marks = marksOf(failure, (field) => boxOf(field, failure.code), (box) => boxes.get(box)?.label)
    }
    const wrong = [...boxes].find(([name]) => state.marks[name] !== undefined)?.[1]
    if (wrong === undefined) state.error = sentenceOf(failure)
    else void nextTick(() => wrong.focus())
  }

  /** Boxes are placed in the order they stand in. */
  function place(name: string, box: Box): void {
    boxes.set(name, box)
  }

  /** It is being corrected. */
  function unmark(name: string): void {
    state.marks = Object.fromEntries(Object.entries(state.marks).filter(([marked]) => marked !== name))
  }

  function focus(name: string): void {
    boxes.get(name)?.focus()
  }

  function begin(): void {
    ;[...boxes.values()].find((box) => box.isEmpty())?.focus()
  }

  return Object.assign(state, { submit, reset, place, unmark, focus, begin })
}
