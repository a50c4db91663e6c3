import { expect, test } from 'vitest'
import { nextTick } from 'vue'

import { ApiError } from '../core/errors'
import { useForm, type Form } from './form'

function boxes(form: Form, ...names: string[]): string[] {
  const focused: string[] = []
  for (const name of names) {
    form.place(name, { label: name, focus: () => focused.push(name), isEmpty: () => name !== 'name' })
  }
  return focused
}

function refused(code: string, fields: Record<string, string>): Promise<void> {
  return Promise.reject(new ApiError(400, code, 'Look again.', null, fields))
}

test('a second submit while the first is on its way sends nothing', async () => {
  let sent = 0
  let answer = (): void => undefined
  const form = useForm(() => {
    sent += 1
    return new Promise((resolve) => (answer = resolve))
  })
  const first = form.submit()
  expect(form.busy).toBe(true)
  expect(await form.submit()).toBe(false)
  answer()
  expect(await first).toBe(true)
  expect([sent, form.busy]).toEqual([1, false])
})

test('the first wrong box in the order of the page gets the focus, whatever the order of the answer', async () => {
  const form = useForm(() => refused('invalid_request', { password: 'is odd', email: 'is odd' }))
  const focused = boxes(form, 'name', 'email', 'password')
  await form.submit()
  await nextTick()
  expect(focused).toEqual(['email'])
  expect(form).toMatchObject({ error: '', marks: { email: 'email is odd.', password: 'password is odd.' } })
})

test('what is about no box of it is said of the whole form', async () => {
  const form = useForm(() => refused('invalid_request', { profile: 'is odd' }))
  const focused = boxes(form, 'name')
  await form.submit()
  expect(form).toMatchObject({ error: 'Look again.', marks: {} })
  expect(focused).toEqual([])
})

test('the marks of one try are gone in the next, and a box that is corrected loses its own', async () => {
  let isGood = false
  const form = useForm(() => (isGood ? Promise.resolve() : refused('invalid_request', { name: 'a', email: 'b' })))
  boxes(form, 'name', 'email')
  await form.submit()
  form.unmark('name')
  expect(form.marks).toEqual({ email: 'email b.' })
  isGood = true
  await form.submit()
  expect(form.marks).toEqual({})
})

test('a form begins at its first empty box', () => {
  const form = useForm(() => Promise.resolve())
  const focused = boxes(form, 'name', 'email', 'password')
  form.begin()
  expect(focused).toEqual(['email'])
})
