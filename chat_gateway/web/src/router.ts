// The pages. One that needs a session sends who has none to the log-in and back.

import { createRouter, createWebHistory, type Router } from 'vue-router'

import type { useSession } from './stores/session'
import ChatView from './views/ChatView.vue'
import LoginView from './views/LoginView.vue'
import RegisterView from './views/RegisterView.vue'

declare module 'vue-router' {
  interface RouteMeta {
    open?: boolean
  }
}

export function createPages(session: () => ReturnType<typeof useSession>): Router {
  const router = createRouter({
    history: createWebHistory(),
    routes: [
      { path: '/login', name: 'login', component: LoginView, meta: { open: true } },
      { path: '/register', name: 'register', component: RegisterView, meta: { open: true } },
      { path: '/rooms/:room', name: 'room', component: ChatView },
      { path: '/', name: 'home', component: ChatView },
      { path: '/:rest(.*)*', name: 'nowhere', redirect: '/' },
    ],
  })
  router.beforeEach(async (to) => {
    if (to.meta.open === true || (await session().ensure()) !== 'guest') return true
    return { name: 'login', query: { next: to.fullPath } }
  })
  return router
}
