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
    const known = SAID_BY_THE_SERVER.has(code) && detail ? detail : SENTENCES[code]
    super(known ?? (detail || `Something went wrong (${code}). Please try again.`))
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

/** Of these the server knows more than a sentence could say: which field, and what is wrong with it. */
const SAID_BY_THE_SERVER: ReadonlySet<string> = new Set(['invalid_request'])

const SENTENCES: Readonly<Record<string, string>> = {
  bad_credentials: 'E-mail or password is wrong. Please try again.',
  wrong_password: 'The password is wrong. Type the one you have now.',
  email_taken: 'There is an account with this e-mail already. Log in, or use another one.',
  invalid_email: 'This does not look like an e-mail address.',
  password_too_short: 'The password is too short. Use at least 8 characters.',
  password_too_long: 'The password is too long. Use at most 256 characters.',
  password_too_common:
    'This password is too easy to guess. Choose another, for example a few words that nobody would put together.',
  password_unchanged: 'This is the password you have now. Choose another one.',
  too_many_attempts: 'Too many attempts were made. Please wait, then try again.',
  busy: 'Too many people are logging in right now. Please try again in a moment.',
  session_expired: 'Your session has ended. Please log in again.',
  token_expired: 'Your session could not be renewed. Please load the page again.',
  invalid_token: 'Your session is not valid here. Please log in again.',
  session_not_found: 'This session has ended already.',
  registration_closed: 'Nobody can register here. Ask an administrator of this site for an account.',
  invitation_needed: 'Whoever registers here needs an invitation. Ask an administrator of this site for one.',
  link_invalid: 'This link is not valid: it was used, is too old, or is for somebody else. Ask for a new one.',
  last_administrator: 'You are the last administrator. Make somebody else one first.',
  administrator_exists: 'This site has an administrator already. Ask there for an invitation.',
  user_not_found: 'There is no such account.',
  foreign_origin: 'This may only be sent from the site itself. Open it at its own address and try there.',
  invalid_internal_key: 'Only the services of this site may read this.',
  keys_unreadable: 'Nobody can log in right now. Please try again in a moment.',
  rate_limited: 'That was too often. Please wait a moment and try again.',
  unreachable: 'Parley cannot be reached. Check your connection and try again.',
  no_answer: 'Parley did not answer. Check your connection and try again.',
  internal: 'Something went wrong on the server. Please try again.',
  store_unavailable: 'The server cannot save anything right now. Please try again.',
  invalid_request: 'Parley did not understand this. Load the page again, then try again.',
  empty_text: 'This message is empty. Write something first.',
  text_too_long: 'This message is too long. Shorten it, or send it in parts.',
  banned: 'You are banned from this room. Ask its owner to let you in again.',
  read_only: 'Only the owner and the admins post in this room. Ask one of them.',
  direct_room: 'A direct chat has the same people for good. Make a room instead.',
  not_your_message: 'Only its author may change this message. Ask them, or post your own.',
  not_reachable: 'This conversation takes no messages from you. Write to somebody else.',
  account_deleted: 'This account was deleted; nobody would read this.',
  room_not_found: 'There is no such room, or you are not a member of it.',
  member_not_found: 'This person is not in the room any more.',
  person_not_found: 'There is no such person here. Search for them by name.',
  message_not_found: 'This message is not there any more.',
  client_id_conflict: 'Another message was sent under this number. Copy the text and send it again.',
  room_archived: 'This room is archived. Ask its owner to open it again.',
  last_owner: 'You are the last owner of this room. Make another member its owner first.',
  not_a_thread_root: 'This message stands in a thread itself. Answer in that thread.',
  not_allowed: 'You may not do this. Ask an administrator.',
  too_many_rooms: 'You are in too many rooms. Leave one first.',
  too_many_edits: 'This message was edited too often. Post a new one.',
  too_many_reactions: 'This message has too many different reactions. Use one of them.',
  too_many_pins: 'This room has too many pinned messages. Unpin one first.',
}

export function sentence(code: string): string {
  return new Failure(code).message
}

export function sentenceOf(error: unknown): string {
  return error instanceof Failure ? error.message : sentence('internal')
}
