// The token of a one-time link, between the address it came in and the page it is for. In memory only:
// a token that stayed in the address would stay in the history, in screenshots and in what is copied on.

import { defineStore } from 'pinia'
import { ref } from 'vue'

/** The pages one-time links lead to. */
export type Entrance = 'register' | 'setup' | 'reset'

export const useLink = defineStore('link', () => {
  const tokens = ref<Readonly<Partial<Record<Entrance, string | undefined>>>>({})

  function keep(entrance: Entrance, token: string): void {
    tokens.value = { ...tokens.value, [entrance]: token }
  }

  /** It is used up. */
  function drop(entrance: Entrance): void {
    tokens.value = { ...tokens.value, [entrance]: undefined }
  }

  return { tokens, keep, drop }
})
