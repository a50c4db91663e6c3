// Who is at the keyboard. The session itself is the server's; this knows how it stands.

import { defineStore } from 'pinia'
import { ref } from 'vue'

import { ApiError } from '../core/errors'
import type { Person } from '../core/wire'
import type { Grant } from '../net/api'
import { apiKey, given } from './ports'

export const useSession = defineStore('session', () => {
  const api = given(apiKey)
  /** unknown: not asked yet, or the server could not be reached. */
  const state = ref<'unknown' | 'member' | 'guest'>('unknown')
  const user = ref<Person | null>(null)
  const leftByChoice = ref(false)

  function meet(person: Person): void {
    user.value = person
    state.value = 'member'
    leftByChoice.value = false
  }

  function enter(grant: Grant): void {
    meet(grant.user)
  }

  function lose(): void {
    user.value = null
    state.value = 'guest'
  }

  /** Finds out how it stands. Stays unknown when the server cannot be reached. */
  async function ensure(): Promise<typeof state.value> {
    if (state.value !== 'unknown') return state.value
    try {
      enter(await api.refresh())
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) lose()
    }
    return state.value
  }

  async function login(email: string, password: string): Promise<void> {
    enter(await api.login(email, password))
  }

  async function register(name: string, email: string, password: string): Promise<void> {
    enter(await api.register(name, email, password))
  }

  /** Raises if the server did not hear of it: the cookie would bring the session back. */
  async function logout(): Promise<void> {
    await api.logout()
    leftByChoice.value = true
    lose()
  }

  return { state, user, leftByChoice, ensure, meet, login, register, logout, lose }
})
