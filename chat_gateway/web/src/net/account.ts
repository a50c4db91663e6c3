// One's own account at the auth service, by the access token.

import { decodeAccount, decodeOffer, decodeSessions, type Account, type Offer, type Session } from '../core/account'
import type { Api } from './api'

export async function fetchAccount(api: Api): Promise<Account> {
  return decodeAccount(await api.authorised('GET', '/auth/me'))
}

export async function editAccount(api: Api, edit: { name: string; picture: string }): Promise<Account> {
  return decodeAccount(await api.authorised('PATCH', '/auth/me', edit))
}

export async function deleteAccount(api: Api, password: string): Promise<void> {
  await api.authorised('DELETE', '/auth/me', { password })
  api.forget()
}

export async function changePassword(api: Api, password: string, newPassword: string): Promise<void> {
  await api.authorised('POST', '/auth/password', { password, new_password: newPassword })
}

export async function fetchSessions(api: Api): Promise<Session[]> {
  return decodeSessions(await api.authorised('GET', '/auth/sessions'))
}

export async function endSession(api: Api, id: string): Promise<void> {
  await api.authorised('DELETE', `/auth/sessions/${encodeURIComponent(id)}`)
}

export async function endOtherSessions(api: Api): Promise<void> {
  await api.authorised('POST', '/auth/logout/others', {})
}

export async function endAllSessions(api: Api): Promise<void> {
  await api.authorised('POST', '/auth/logout/all', {})
  api.forget()
}

/** With an address the link makes an account of this address only. */
export async function invite(api: Api, email: string): Promise<Offer> {
  return decodeOffer(await api.authorised('POST', '/auth/invitations', email === '' ? {} : { email }))
}
