// My account, as the settings show and change it. A session found over on the way ends here too.

import { defineStore } from 'pinia'
import { ref } from 'vue'

import type { Account, Offer, Session } from '../core/account'
import { ApiError } from '../core/errors'
import * as remote from '../net/account'
import { useConnection } from './connection'
import { usePeople } from './people'
import { apiKey, given } from './ports'
import { useSession } from './session'

export const useAccount = defineStore('account', () => {
  const api = given(apiKey)
  const session = useSession()
  const connection = useConnection()
  const people = usePeople()
  const account = ref<Account | null>(null)
  const sessions = ref<readonly Session[]>([])

  connection.hear({
    stopped() {
      account.value = null
      sessions.value = []
    },
  })

  async function ask<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) {
        connection.stop()
        session.lose()
      }
      throw error
    }
  }

  async function load(): Promise<void> {
    const [mine, all] = await ask(Promise.all([remote.fetchAccount(api), remote.fetchSessions(api)]))
    account.value = mine
    sessions.value = all
  }

  async function loadSessions(): Promise<void> {
    sessions.value = await ask(remote.fetchSessions(api))
  }

  async function edit(name: string, picture: string): Promise<void> {
    const mine = await ask(remote.editAccount(api, { name, picture }))
    account.value = mine
    session.meet({ id: mine.id, name: mine.name })
    people.meet({ id: mine.id, name: mine.name })
  }

  async function changePassword(password: string, newPassword: string): Promise<void> {
    await ask(remote.changePassword(api, password, newPassword))
    await loadSessions()
  }

  /** One that has ended already is gone from the list all the same. */
  async function endSession(id: string): Promise<void> {
    try {
      await ask(remote.endSession(api, id))
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) throw error
    }
    await loadSessions()
  }

  async function endOtherSessions(): Promise<void> {
    await ask(remote.endOtherSessions(api))
    await loadSessions()
  }

  async function endAllSessions(): Promise<void> {
    await ask(remote.endAllSessions(api))
    leave()
  }

  function invite(email: string): Promise<Offer> {
    return ask(remote.invite(api, email))
  }

  async function remove(password: string): Promise<void> {
    await ask(remote.deleteAccount(api, password))
    leave()
  }

  /** Raises if the server did not hear of it: the cookie would bring the session back. */
  async function logOut(): Promise<void> {
    await session.logout()
    connection.stop()
  }

  function leave(): void {
    session.leave()
    connection.stop()
  }

  return {
    account,
    sessions,
    load,
    edit,
    changePassword,
    endSession,
    endOtherSessions,
    endAllSessions,
    invite,
    remove,
    logOut,
  }
})
