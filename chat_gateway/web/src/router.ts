// The pages. One that needs a session sends who has none to the log-in and back; one that a one-time
// link leads to gets its token, and the address loses it before anything is shown. Who is logged in has no
// use for the pages before the chat, unless by a link.

import { createRouter, createWebHistory, type RouteLocationNormalized, type Router } from 'vue-router'

import { localPath } from './core/next'
import type { Entrance, useLink } from './stores/link'
import type { useSession } from './stores/session'
import ChatView from './views/ChatView.vue'
import LoginView from './views/LoginView.vue'
import RegisterView from './views/RegisterView.vue'
import ResetView from './views/ResetView.vue'
import SettingsView from './views/SettingsView.vue'
import SetupView from './views/SetupView.vue'

declare module 'vue-router' {
  interface RouteMeta {
    open?: boolean
    link?: Entrance
    title?: string
  }
}

export function createPages(
  session: () => ReturnType<typeof useSession>,
  link: () => ReturnType<typeof useLink>,
): Router {
  const router = createRouter({
    history: createWebHistory(),
    routes: [
      { path: '/login', name: 'login', component: LoginView, meta: { open: true, title: 'Log in' } },
      {
        path: '/register',
        name: 'register',
        component: RegisterView,
        meta: { open: true, link: 'register', title: 'Create an account' },
      },
      { path: '/setup', name: 'setup', component: SetupView, meta: { open: true, link: 'setup', title: 'Set-up' } },
      { path: '/reset', name: 'reset', component: ResetView, meta: { open: true, link: 'reset', title: 'New password' } },
      { path: '/settings', name: 'settings', component: SettingsView, meta: { title: 'Settings' } },
      { path: '/rooms/:room', name: 'room', component: ChatView },
      { path: '/', name: 'home', component: ChatView },
      { path: '/:rest(.*)*', name: 'nowhere', redirect: '/' },
    ],
  })
  router.beforeEach((to) => {
    const token = tokenIn(to)
    if (to.meta.link === undefined || token === null) return true
    link().keep(to.meta.link, token)
    return { path: to.path, query: to.query, hash: '', replace: true }
  })
  router.beforeEach(async (to) => {
    const state = await session().ensure()
    if (to.meta.open !== true) return state === 'guest' ? { name: 'login', query: { next: to.fullPath } } : true
    const hasLink = to.meta.link !== undefined && link().tokens[to.meta.link] !== undefined
    return state === 'member' && !hasLink ? localPath(to.query.next, location.origin) : true
  })
  router.afterEach((to) => {
    document.title = to.meta.title === undefined ? 'Parley' : `${to.meta.title} · Parley`
  })
  return router
}

function tokenIn(to: RouteLocationNormalized): string | null {
  return new URLSearchParams(to.hash.slice(1)).get('token')
}
