// The pages mounted in a document, with the real router, stores and connection.

import { createPinia } from 'pinia'
import { createApp } from 'vue'

import App from '../src/App.vue'
import { Api } from '../src/net/api'
import { Realtime } from '../src/net/realtime'
import { createPages } from '../src/router'
import { useLink } from '../src/stores/link'
import { apiKey, dialKey } from '../src/stores/ports'
import { useSession } from '../src/stores/session'
import { Gateway } from './gateway'
import { settled } from './settled'

export type Serve = (path: string, body: Record<string, unknown>, method: string) => Response

class SilentObserver {
  observe(): void {
    // A document without layout has no sizes to tell of.
  }
  disconnect(): void {
    // Nothing was observed.
  }
}

export class Page {
  readonly #app: ReturnType<typeof createApp>
  readonly #router: ReturnType<typeof createPages>
  readonly #host = document.createElement('div')

  constructor(
    start: string,
    serve: Serve,
    readonly gateway: Gateway = new Gateway(),
  ) {
    window.ResizeObserver = SilentObserver as unknown as typeof ResizeObserver
    history.replaceState(null, '', start)
    document.body.append(this.#host)
    const api = new Api(
      (input, init) => {
        const body = JSON.parse((init?.body ?? '{}') as string) as Record<string, unknown>
        return Promise.resolve(serve(input as string, body, init?.method ?? 'GET'))
      },
      () => Date.now(),
    )
    this.#app = createApp(App)
      .provide(apiKey, api)
      .provide(dialKey, (listener) => new Realtime('ws://localhost', () => api.unusedToken(), listener, gateway.socket))
      .use(createPinia())
    this.#router = createPages(useSession, useLink)
    this.#app.use(this.#router).mount(this.#host)
  }

  get path(): string {
    return this.#router.currentRoute.value.fullPath
  }

  find(testid: string): HTMLElement | null {
    return this.#host.querySelector(`[data-testid="${testid}"]`)
  }

  all(testid: string): HTMLElement[] {
    return [...this.#host.querySelectorAll<HTMLElement>(`[data-testid="${testid}"]`)]
  }

  async get(testid: string): Promise<HTMLElement> {
    await settled(() => this.find(testid) !== null)
    const element = this.find(testid)
    if (element === null) throw new Error(`${testid} is gone`)
    return element
  }

  async value(testid: string): Promise<string> {
    return ((await this.get(testid)) as HTMLInputElement).value
  }

  /** A box that is said to be wrong, has the focus, and is described by the note under it. */
  async marked(testid: string): Promise<{ input: HTMLElement; note: string }> {
    const input = await this.get(testid)
    await settled(() => input.getAttribute('aria-invalid') === 'true' && document.activeElement === input)
    const note = document.getElementById(input.getAttribute('aria-describedby') ?? '')
    return { input, note: note?.textContent ?? '' }
  }

  async fill(testid: string, text: string): Promise<void> {
    const input = (await this.get(testid)) as HTMLInputElement
    input.value = text
    input.dispatchEvent(new Event('input', { bubbles: true }))
  }

  async press(testid: string, key: string, more: KeyboardEventInit = {}): Promise<void> {
    const target = await this.get(testid)
    target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more }))
  }

  async logIn(email: string, password: string): Promise<void> {
    await this.fill('login-email', email)
    await this.fill('login-password', password)
    await this.submit('login-submit')
  }

  async submit(testid: string): Promise<void> {
    const form = (await this.get(testid)).closest('form')
    form?.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }))
  }

  close(): void {
    this.#app.unmount()
    this.#host.remove()
  }
}
