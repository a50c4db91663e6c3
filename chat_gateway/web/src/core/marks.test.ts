import { expect, test } from 'vitest'

import { ApiError } from './errors'
import { marksOf } from './marks'

const LABELS: Record<string, string> = { name: 'Name', email: 'E-mail', password: 'Password' }

function marks(code: string, fields: Record<string, string>, detail = ''): Record<string, string> {
  return marksOf(new ApiError(400, code, detail, null, fields), (field) => field, (box) => LABELS[box])
}

test.each([
  ['takes 128 characters or fewer', 'Name takes 128 characters or fewer.'],
  ['Too long.', 'Too long.'],
  ['Expected `str`, got `null`', 'Name: this is not accepted. Please look at it again.'],
])('what the server says of a field becomes a sentence: %s', (words, sentence) => {
  expect(marks('invalid_request', { name: words })).toEqual({ name: sentence })
})

test('a refusal about one field is said in its own sentence', () => {
  expect(marks('email_taken', { email: 'is taken' }).email).toContain('account with this e-mail already')
  expect(marks('a_new_one', { email: 'is odd' }, 'This address is odd. Take another.')).toEqual({
    email: 'This address is odd. Take another.',
  })
})

test('a refusal about a field finds its box even if the answer does not name it', () => {
  expect(Object.keys(marks('password_too_short', {}))).toEqual(['password'])
  expect(marks('wrong_password', {}).password).toContain('wrong')
})

test('several fields have a sentence each', () => {
  expect(marks('invalid_request', { name: 'is odd', email: 'is not an e-mail address' })).toEqual({
    name: 'Name is odd.',
    email: 'E-mail is not an e-mail address.',
  })
})

test('what is about no box of the form marks none', () => {
  expect(marks('invalid_request', { profile: 'is nested deeper than 8 levels' })).toEqual({})
  expect(marks('too_many_attempts', {})).toEqual({})
})
