import { expect, test } from 'vitest'

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
