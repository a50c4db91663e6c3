import { expect, test } from 'vitest'

import refusals from '../../../../auth_service/core/errors.py?raw'
import { ApiError, RpcError, sentence, sentenceOf } from './errors'

test('a limit tells how long to wait', () => {
  expect(RpcError.of(429, 'rate_limited retry_after=3', true)).toMatchObject({
    code: 'rate_limited',
    temporary: true,
    retryAfter: 3,
  })
})

test('an error of the library itself is temporary: nothing was refused', () => {
  expect(RpcError.of(1, 'timeout', false)).toMatchObject({ code: 'no_answer', temporary: true })
})

test('a code without a sentence of ours shows what the server said, or the code', () => {
  expect(new ApiError(400, 'strange', 'Do this instead.').message).toBe('Do this instead.')
  expect(sentence('strange')).toContain('strange')
})

test('what is no failure of ours reads as an internal one', () => {
  expect(sentenceOf(new TypeError('x is undefined'))).toBe(sentence('internal'))
})

test('what the server says of a bad request is more than we know, where it says it', () => {
  expect(new ApiError(400, 'invalid_request', 'Name somebody else.').message).toBe('Name somebody else.')
  expect(RpcError.of(400, 'invalid_request', false).message).toBe(sentence('invalid_request'))
})

test('every refusal of the auth service has a sentence of ours', () => {
  const codes = [...refusals.matchAll(/(?:return|raise) [A-Z]\w+\(\s*"(\w+)"/g)].map(([, code = '']) => code)
  expect(codes).toContain('too_many_attempts')
  const missing = codes.filter((code) => sentence(code).includes(`(${code})`))
  expect(missing).toEqual([])
})
