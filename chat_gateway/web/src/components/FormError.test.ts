// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createApp, nextTick } from 'vue'

import FormError from './FormError.vue'

const SENTENCE = 'Too many attempts.'
let app: ReturnType<typeof createApp> | null = null

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  app?.unmount()
  vi.useRealTimers()
})

function shown(wait: number): HTMLElement {
  const host = document.createElement('div')
  app = createApp(FormError, { error: SENTENCE, wait })
  app.mount(host)
  return host
}

async function after(seconds: number): Promise<void> {
  vi.advanceTimersByTime(seconds * 1000)
  await nextTick()
}

test('an error without a wait is its sentence', () => {
  expect(shown(0).textContent.trim()).toBe(SENTENCE)
})

test('a wait counts down for the eye, and is read aloud at its start and its end', async () => {
  const host = shown(62)
  const aloud = () => host.querySelector('[role=alert] > span:not([aria-hidden])')?.textContent
  expect(aloud()).toBe('Next try in 1 minute 2 seconds.')
  expect(host.textContent).toMatch(/attempts\.\s+Next try/)
  await after(3)
  expect(host.querySelector('[aria-hidden]')?.textContent).toBe('Next try in 59 seconds.')
  expect(aloud()).toBe('Next try in 1 minute 2 seconds.')
  await after(59)
  expect(aloud()).toBe('You can try again now.')
  expect(host.querySelector('[aria-hidden]')).toBeNull()
  expect(vi.getTimerCount()).toBe(0)
})

test('a page that goes takes its clock along', () => {
  shown(62)
  app?.unmount()
  app = null
  expect(vi.getTimerCount()).toBe(0)
})
