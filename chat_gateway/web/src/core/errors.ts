// What went wrong, as a stable code, and the sentence a person reads about it.
//
//   Failure
//   ├── ApiError   an HTTP answer: status, fields
//   └── RpcError   a protocol answer: number, whether trying again helps

export class Failure extends Error {
  constructor(
    readonly code: string,
    /** Seconds to wait before another try, where the server said so. */
    readonly retryAfter: number | null = null,
    detail = '',
  ) {
    super(SENTENCES[code] ?? (detail || `Something went wrong (${code}). Please try again.`))
    this.name = new.target.name
  }
}

export class ApiError extends Failure {
  constructor(
    readonly status: number,
    code: string,
    detail = '',
    retryAfter: number | null = null,
    readonly fields: Readonly<Record<string, string>> = {},
  ) {
    super(code, retryAfter, detail)
  }
}

export class RpcError extends Failure {
  private constructor(
    readonly number: number,
    code: string,
    readonly temporary: boolean,
    retryAfter: number | null,
  ) {
    super(code, retryAfter)
  }

  /** `message` carries the code, and for limits the wait: "rate_limited retry_after=3". */
  static of(number: number, message: string, temporary: boolean): RpcError {
    const [code = 'internal', ...rest] = message.split(' ')
    const wait = /retry_after=([\d.]+)/.exec(rest.join(' '))?.[1]
    // Numbers below 100 are the client library's own: no connection, no answer in time.
    if (number < 100) return new RpcError(number, 'no_answer', true, null)
    return new RpcError(number, code, temporary, wait === undefined ? null : Number(wait))
  }
}

const SENTENCES: Readonly<Record<string, string>> = {
  bad_credentials: 'E-mail or password is wrong. Please try again.',
  email_taken: 'There is an account with this e-mail already. Log in, or use another one.',
  invalid_email: 'This does not look like an e-mail address.',
  password_too_short: 'The password is too short. Use at least 8 characters.',
  password_too_long: 'The password is too long. Use at most 256 characters.',
  password_too_common: 'This password is among the most common ones. Choose another.',
  session_expired: 'Your session has ended. Please log in again.',
  rate_limited: 'That was too often. Please wait a moment and try again.',
  unreachable: 'Parley cannot be reached. Check your connection and try again.',
  no_answer: 'Parley did not answer. Check your connection and try again.',
  internal: 'Something went wrong on the server. Please try again.',
  store_unavailable: 'The server cannot save anything right now. Please try again.',
  text_too_long: 'This message is too long. Shorten it to 8,000 characters.',
  empty_text: 'This message is empty. Write something first.',
  client_id_conflict: 'Another message was sent under this number. Copy the text and send it again.',
  room_not_found: 'There is no such room, or you are not a member of it.',
  not_allowed: 'You may not do this in this room.',
  too_many_rooms: 'You are in too many rooms. Leave one first.',
}

export function sentence(code: string): string {
  return new Failure(code).message
}

export function sentenceOf(error: unknown): string {
  return error instanceof Failure ? error.message : sentence('internal')
}
