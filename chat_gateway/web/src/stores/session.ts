// Who is at the keyboard. The session itself is the server's; this knows how it stands.

import { defineStore } from 'pinia'
import { ref } from 'vue'

import type { Registration } from '../core/account'
import { ApiError } from '../core/errors'
import type { Person } from '../core/wire'
import type { Grant, NewAccount } from '../net/api'
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

  /** Who may register here. */
  function registration(): Promise<Registration> {
    return api.registration()
  }

  async function register(account: NewAccount, invitation?: string): Promise<void> {
    enter(await api.register(account, invitation))
  }

  async function setUp(account: NewAccount, token: string): Promise<void> {
    enter(await api.setUp(account, token))
  }

  /** Nobody is logged in by it: the new password is to be typed once more, or kept by the browser. */
  async function resetPassword(token: string, password: string): Promise<void> {
    await api.resetPassword(token, password)
  }

  /** Raises if the server did not hear of it: the cookie would bring the session back. */
  async function logout(): Promise<void> {
    await api.logout()
    leave()
  }

  function leave(): void {
    leftByChoice.value = true
    lose()
  }

  return {
    state,
    user,
    leftByChoice,
    ensure,
    meet,
    login,
    registration,
    register,
    setUp,
    resetPassword,
    logout,
    leave,
    lose,
  }
})
