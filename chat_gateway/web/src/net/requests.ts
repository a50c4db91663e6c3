// One request to the auth service: JSON both ways, every failure an ApiError.

import { ApiError } from '../core/errors'

export type Answer = Readonly<Record<string, unknown>>
export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

export interface Asked {
  readonly method: Method
  readonly path: string
  readonly body?: object
  /** An access token. */
  readonly token?: string
}

export async function request(fetch: typeof globalThis.fetch, asked: Asked): Promise<Answer> {
  let response: Response
  try {
    response = await fetch(asked.path, {
      method: asked.method,
      credentials: 'same-origin',
      cache: 'no-store',
      headers: headersOf(asked),
      ...(asked.body !== undefined && { body: JSON.stringify(asked.body) }),
    })
  } catch {
    throw new ApiError(0, 'unreachable')
  }
  const answer = await readObject(response)
  if (!response.ok) throw problem(response.status, answer)
  return answer
}

function headersOf({ body, token }: Asked): Record<string, string> {
  return {
    accept: 'application/json',
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  }
}

async function readObject(response: Response): Promise<Answer> {
  try {
    const answer: unknown = await response.json()
    return typeof answer === 'object' && answer !== null ? (answer as Answer) : {}
  } catch {
    return {}
  }
}

function problem(status: number, body: Answer): ApiError {
  const fallback = status >= 502 ? 'unreachable' : 'internal'
  const code = typeof body.code === 'string' ? body.code : fallback
  const detail = typeof body.detail === 'string' ? body.detail : ''
  const wait = typeof body.retry_after === 'number' ? body.retry_after : null
  return new ApiError(status, code, detail, wait, fieldErrors(body.errors))
}

/** Field errors come as {field: sentence}, or as a list of {field, message|detail}. */
function fieldErrors(errors: unknown): Record<string, string> {
  if (typeof errors !== 'object' || errors === null) return {}
  const pairs: [unknown, unknown][] = Array.isArray(errors) ? errors.map(fieldError) : Object.entries(errors)
  return Object.fromEntries(pairs.filter((pair): pair is [string, string] => pair.every((part) => typeof part === 'string')))
}

function fieldError(error: unknown): [unknown, unknown] {
  if (typeof error !== 'object' || error === null) return [null, null]
  const { field, message, detail } = error as Record<string, unknown>
  return [field, message ?? detail]
}
