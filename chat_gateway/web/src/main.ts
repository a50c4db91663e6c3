// Wires the client together.

import { createPinia } from 'pinia'
import { createApp } from 'vue'

import App from './App.vue'
import { Api } from './net/api'
import { networkOf } from './net/network'
import { Realtime } from './net/realtime'
import { createPages } from './router'
import { useLink } from './stores/link'
import { apiKey, dialKey } from './stores/ports'
import { useSession } from './stores/session'
import './styles/base.css'

const api = new Api(
  (input, init) => fetch(input, init),
  () => Date.now(),
)
const endpoint = `${location.origin.replace(/^http/, 'ws')}/connection/websocket`
const network = networkOf(window)

createApp(App)
  .provide(apiKey, api)
  .provide(dialKey, (listener) => new Realtime(endpoint, () => api.unusedToken(), listener, WebSocket, network))
  .use(createPinia())
  .use(createPages(useSession, useLink))
  .mount('#app')
