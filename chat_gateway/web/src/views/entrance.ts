// What the pages before the chat share: to enter and go on to `next`, or to say what is wrong.

import { useRoute, useRouter } from 'vue-router'

import { useForm } from '../components/form'
import { localPath } from '../core/next'

export function useEntrance(enter: () => Promise<void>) {
  const route = useRoute()
  const router = useRouter()
  const next = localPath(route.query.next, location.origin)
  const form = useForm(async () => {
    await enter()
    await router.replace(next)
  })
  return { next, form }
}
