// A form that sends something: busy meanwhile, then done, or an error with its fields and its wait.

import { ref } from 'vue'

import { ApiError, Failure, sentenceOf } from '../core/errors'

/** A wait that is over by the time its sentence is read is not worth a word. */
const SHORT_SECONDS = 1

export function useForm(send: () => Promise<void>) {
  const error = ref('')
  const fields = ref<Readonly<Record<string, string>>>({})
  const wait = ref(0)
  const busy = ref(false)

  /** True when it was done. */
  async function submit(): Promise<boolean> {
    if (busy.value) return false
    busy.value = true
    error.value = ''
    fields.value = {}
    try {
      await send()
      return true
    } catch (failure) {
      refuse(failure)
      return false
    } finally {
      busy.value = false
    }
  }

  function refuse(failure: unknown): void {
    const seconds = failure instanceof Failure ? (failure.retryAfter ?? 0) : 0
    wait.value = seconds > SHORT_SECONDS ? seconds : 0
    if (failure instanceof ApiError) fields.value = failure.fields
    error.value = sentenceOf(failure)
  }

  return { error, fields, wait, busy, submit }
}
