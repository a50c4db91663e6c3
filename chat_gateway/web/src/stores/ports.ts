// What the stores are given by main.ts instead of making it themselves.

import { inject, type InjectionKey } from 'vue'

import type { Api } from '../net/api'
import type { Listener, Realtime } from '../net/realtime'

export const apiKey: InjectionKey<Api> = Symbol('api')
export const dialKey: InjectionKey<(listener: Listener) => Realtime> = Symbol('dial')

export function given<T>(key: InjectionKey<T>): T {
  const port = inject(key)
  if (port === undefined) throw new Error(`${String(key)} is not provided`)
  return port
}
