// What the log-in and the registration share: to enter and go on to `next`, or to say what is wrong.

import { ref } from 'vue'
import { useRoute, useRouter } from 'vue-router'

import { ApiError, sentenceOf } from '../core/errors'
import { localPath } from '../core/next'

export function useEntrance(enter: () => Promise<void>) {
  const route = useRoute()
  const router = useRouter()
  const next = localPath(route.query.next, location.origin)
  const error = ref('')
  const fields = ref<Readonly<Record<string, string>>>({})
  const busy = ref(false)

  /** True when it let one in. */
  async function submit(): Promise<boolean> {
    busy.value = true
    error.value = ''
    fields.value = {}
    try {
      await enter()
      await router.replace(next)
      return true
    } catch (failure) {
      error.value = sentenceOf(failure)
      if (failure instanceof ApiError) fields.value = failure.fields
      return false
    } finally {
      busy.value = false
    }
  }

  return { next, error, fields, busy, submit }
}
