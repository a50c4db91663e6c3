// The stores over the real connection, with a gateway of the tests at its other end.

import { createPinia, type Pinia } from 'pinia'
import { createApp } from 'vue'

import { Api } from '../src/net/api'
import { Realtime } from '../src/net/realtime'
import { useAccount } from '../src/stores/account'
import { useConnection } from '../src/stores/connection'
import { useDrafts } from '../src/stores/drafts'
import { usePeople } from '../src/stores/people'
import { apiKey, dialKey } from '../src/stores/ports'
import { useRoom } from '../src/stores/room'
import { useRooms } from '../src/stores/rooms'
import { useSession } from '../src/stores/session'
import { ME, type Gateway } from './gateway'

export type Answer = (path: string, method: string) => Response

export function grantMe(): Response {
  return Response.json({ access_token: 't', expires_in: 600, user: { id: ME, name: 'Me' } })
}

export function clientOf(gateway: Gateway, answer: Answer = grantMe) {
  const api = new Api(
    (input, init) => Promise.resolve(answer(input as string, init?.method ?? 'GET')),
    () => Date.now(),
  )
  const pinia: Pinia = createPinia()
  createApp({ render: () => null })
    .provide(apiKey, api)
    .provide(dialKey, (listener) => new Realtime('ws://localhost', () => api.unusedToken(), listener, gateway.socket))
    .use(pinia)
  return {
    session: useSession(pinia),
    rooms: useRooms(pinia),
    people: usePeople(pinia),
    room: useRoom(pinia),
    drafts: useDrafts(pinia),
    connection: useConnection(pinia),
    account: useAccount(pinia),
  }
}
